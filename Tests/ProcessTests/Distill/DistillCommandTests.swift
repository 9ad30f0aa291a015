import LinuxSystem
import TestSupport
import Testing

/// What scripts rely on: exit statuses, sentences and the last line of `--json`.
@Suite(.timeLimit(.minutes(5))) struct DistillCommandTests {
    private let folder: DistillFolder

    init() throws { folder = try DistillFolder() }

    // MARK: - What works

    @Test func aModelIsFinetunedDistilledEvaluatedAndAsked() throws {
        let validated = ["--validation", folder("data.csv"), "--learning-rate", "3e-3", "--seed", "3", "--json"]
        let tuned = try folder.distill(folder.finetune("tuned", epochs: 12, validated))
        #expect(tuned.exit == .exited(0), "\(tuned.errors)")
        let made = try DistillFolder.result(tuned)
        #expect(made["output"] as? String == folder("tuned") && made["task"] as? String == "classify")
        #expect(made["steps"] as? Int == 72)
        for key in ["tokens", "seconds", "tokens_per_second", "loss"] {
            #expect((made[key] as? Double).map { $0 > 0 } == true, "\(key): \(tuned.output)")
        }
        #expect(tuned.errors.contains("validation after epoch 12: accuracy "), "\(tuned.errors)")

        let evaluation = try evaluate("tuned", ["--predictions", folder("said.jsonl")])
        #expect(evaluation["n"] as? Int == 48 && evaluation["task"] as? String == "classify")
        let accuracy = try #require(evaluation["accuracy"] as? Double)
        #expect(accuracy >= 0.9, "the labels follow from the words: \(accuracy)")
        for key in ["macro_f1", "loss", "calibration_error"] { #expect(evaluation[key] is Double, "\(key)") }
        let said = String(decoding: try folder.bytes("said.jsonl"), as: UTF8.self)
        #expect(said.split(separator: "\n").count == 48)
        #expect(said.contains("\"text\"") && said.contains("\"label\"") && said.contains("\"probabilities\""))

        // Texts of a label that it was not taught are told apart as far as they can be.
        try folder.temporary.write("strange.csv", "text,label\nq n o,noon\nz a,noon\n")
        let strange = ["--data", folder("strange.csv"), "--out-of-scope", "noon", "--seed", "2"]
        let scoped = try evaluate("tuned", strange)
        #expect(scoped["n"] as? Int == 48 && scoped["accuracy"] as? Double == accuracy)
        let outside = try #require(scoped["out_of_scope"] as? [String: Double])
        for key in ["threshold", "kept", "accuracy", "recall", "auroc"] {
            #expect(outside[key].map { (0...1).contains($0) } == true, "\(key): \(outside)")
        }

        let distilled = try folder.distill(
            "train",
            "--teacher",
            folder("tuned"),
            "--data",
            folder("data.csv"),
            "--output",
            folder("student"),
            "--layers",
            "1",
            "--epochs",
            "6",
            "--batch-size",
            "8",
            "--learning-rate",
            "1e-3",
            "--json"
        )
        #expect(distilled.exit == .exited(0), "\(distilled.errors)")
        #expect(try DistillFolder.result(distilled)["steps"] as? Int == 36)
        #expect(distilled.errors.contains("of 1 layers and width 32"), "\(distilled.errors)")
        #expect(try evaluate("student")["accuracy"] as? Double ?? 0 >= 0.8)

        try folder.temporary.write("raw.jsonl", "{\"text\":\"a b c\"}\n{\"text\":\"x y z\"}\n")
        let labelled = try folder.distill(
            "label",
            "--model",
            folder("student"),
            "--data",
            folder("raw.jsonl"),
            "--output",
            folder("labels.jsonl"),
            "--json"
        )
        #expect(labelled.exit == .exited(0), "\(labelled.errors)")
        #expect(try DistillFolder.result(labelled)["n"] as? Int == 2)
        let lines = String(decoding: try folder.bytes("labels.jsonl"), as: UTF8.self).split(separator: "\n")
        #expect(lines.count == 2 && lines[0].contains("early") && lines[1].contains("late"), "\(lines)")
        // What a model says can be learnt from.
        let learnt = try folder.distill(
            "finetune",
            "--model",
            folder("encoder"),
            "--data",
            folder("labels.jsonl"),
            "--output",
            folder("again"),
            "--epochs",
            "1"
        )
        #expect(learnt.exit == .exited(0), "\(learnt.errors)")
    }

    /// SQuAD's own files: a word is to be found, by a teacher and then by its student.
    @Test func questionsAreLearntDistilledAndAnswered() throws {
        try folder.temporary.write("squad.json", DistillFolder.questions(48))
        let data = ["--data", folder("squad.json"), "--format", "squad", "--json"]
        let fast = ["--epochs", "16", "--batch-size", "8", "--learning-rate", "3e-3"]
        let commands = [
            ["finetune", "--model", folder("encoder"), "--output", folder("answerer")] + fast,
            ["train", "--teacher", folder("answerer"), "--layers", "1", "--output", folder("smaller")] + fast,
        ]
        for (command, model) in zip(commands, ["answerer", "smaller"]) {
            let made = try folder.distill(command + data)
            #expect(made.exit == .exited(0), "\(made.errors)")
            #expect(try DistillFolder.result(made)["task"] as? String == "answer")
            let judged = try folder.distill(["evaluate", "--model", folder(model)] + data)
            #expect(judged.exit == .exited(0), "\(judged.errors)")
            let metrics = try DistillFolder.result(judged)
            let (exact, f1) = (metrics["exact_match"] as? Double ?? 0, metrics["f1"] as? Double ?? 0)
            #expect(exact >= 0.8 && f1 >= exact, "\(model): \(metrics)")
        }
    }

    private func evaluate(_ model: String, _ more: [String] = []) throws -> [String: Any] {
        let run = try folder.distill(
            ["evaluate", "--model", folder(model), "--data", folder("data.csv"), "--json"] + more
        )
        #expect(run.exit == .exited(0), "\(run.errors)")
        return try DistillFolder.result(run)
    }

    @Test(arguments: ["distilbert", "pkd", "minilmv2", "embedding"]) func everyPresetMakesAStudent(_ preset: String)
        throws
    {
        try folder.temporary.write("heads.yaml", "relation_heads: 4\n")
        let run = try folder.distill(
            "train",
            "--teacher",
            folder("teacher"),
            "--data",
            folder("data.csv"),
            "--output",
            folder("student"),
            "--layers",
            "1",
            "--preset",
            preset,
            "--config",
            folder("heads.yaml"),
            "--epochs",
            "1",
            "--batch-size",
            "16",
            "--json"
        )
        #expect(run.exit == .exited(0), "\(run.errors)")
        let loss = try #require(try DistillFolder.result(run)["loss"] as? Double)
        #expect(loss > 0 && loss.isFinite)
        let recipe = String(decoding: try folder.bytes("student/recipe.yaml"), as: UTF8.self)
        #expect(recipe.contains("preset: \"\(preset)\"") && recipe.contains("relation_heads: 4"), "\(recipe)")
        // The recipe repeats the run.
        let again = try folder.distill(
            "train",
            "--teacher",
            folder("teacher"),
            "--data",
            folder("data.csv"),
            "--output",
            folder("again"),
            "--config",
            folder("student/recipe.yaml"),
            "--threads",
            "2"
        )
        #expect(again.exit == .exited(0), "\(again.errors)")
        #expect(try folder.bytes("again/model.safetensors") == folder.bytes("student/model.safetensors"))
    }

    /// What the environment demands computes, in training and of what is served, and nothing takes its place.
    @Test func anInstructionSetIsUsedOrRefused() throws {
        let plain = ["DISTILLERY_ISA": "plain"]
        let made = try folder.distill(folder.finetune("made", epochs: 1), extra: plain)
        #expect(made.exit == .exited(0), "\(made.errors)")
        let report = [
            "report", "--teacher", folder("teacher"), "--student", folder("made"), "--data", folder("data.csv"),
        ]
        let judged = try folder.distill(report + ["--output", folder("report")], extra: plain)
        #expect(judged.exit == .exited(0), "\(judged.errors)")
        let page = String(decoding: try folder.bytes("report/report.json"), as: UTF8.self)
        #expect(page.contains("\"instruction_set\":\"plain\""), "\(page)")
        let evaluate = ["evaluate", "--model", folder("teacher"), "--data", folder("data.csv")]
        for arguments in [folder.finetune("refused"), report + ["--output", folder("refused")], evaluate] {
            let refused = try folder.distill(arguments, extra: ["DISTILLERY_ISA": "avx3"])
            #expect(refused.exit == .exited(2), "\(refused.errors)")
            #expect(refused.errors.contains("DISTILLERY_ISA=avx3: not one of plain, avx2"), "\(refused.errors)")
        }
        #expect(try !folder.temporary.contents().contains("refused"))
    }

    @Test func defaultsAreInTheHelp() throws {
        for command in ["finetune", "train"] {
            let run = try folder.distill(command, "--help")
            #expect(run.exit == .exited(0))
            for text in ["(default: 3)", "(default: 5e-5)", "(default: 32)", "(default: 128)", "(default: fp32)"] {
                #expect(run.output.contains(text), "\(command): \(text)")
            }
        }
    }

    // MARK: - What is refused

    private func refused(_ status: Int32, _ sentence: String, _ arguments: [String]) throws {
        let run = try folder.distill(arguments)
        #expect(run.exit == .exited(status), "\(arguments): \(run.errors)")
        #expect(run.errors.contains(sentence), "\(arguments): \(run.errors)")
        #expect(run.errors.contains("distill: "), "\(run.errors)")
        #expect(try !folder.temporary.contents().contains { $0.hasPrefix("made") }, "nothing is left")
    }

    @Test func whatIsNotUnderstoodIsStatus2() throws {
        let finetune = folder.finetune("made")
        try refused(2, "teacher is there; choose another --output, or --force", folder.finetune("teacher"))
        try refused(2, "nothing can be made in \(folder("no")): No such file or directory", folder.finetune("no/made"))
        try folder.temporary.write("plain/notes.txt", "mine")
        try refused(
            2,
            "plain: it is no model's folder, and is not replaced",
            folder.finetune("plain", epochs: 1, ["--force"])
        )
        try refused(2, "--method: expected full or few-shot, found 'fast'", finetune + ["--method", "fast"])
        try refused(2, "--task: expected auto, classify", finetune + ["--task", "classfy"])
        try refused(2, "there is no format 'glue:SST'", finetune + ["--format", "glue:SST"])
        try refused(2, "--precision: expected fp32 or bf16, found 'int8'", finetune + ["--precision", "int8"])
        try refused(2, "--max-length: expected a whole number from 3", finetune + ["--max-length", "1"])
        try refused(2, "--frobnicate", finetune + ["--frobnicate"])
        try refused(2, "--data is missing", ["finetune", "--model", folder("encoder"), "--output", folder("made")])
        try folder.temporary.write("recipe.yaml", "epochs: 1\nlearning_rat: 1\n")
        try refused(
            2,
            "recipe.yaml:2: there is no setting 'learning_rat'; is `learning_rate` meant?",
            finetune + ["--config", folder("recipe.yaml")]
        )
        try folder.temporary.write("recipe.yaml", "epochs: many\n")
        try refused(
            2,
            "recipe.yaml:1: `epochs`: expected a whole number from 1 to 10000, found 'many'",
            finetune + ["--config", folder("recipe.yaml")]
        )
        let train = ["train", "--teacher", folder("teacher"), "--data", folder("data.csv"), "--output", folder("made")]
        try refused(
            2,
            "--preset: expected distilbert, pkd, minilmv2, embedding, found 'tiny'",
            train + ["--preset", "tiny"]
        )
        try refused(2, "--width 20: expected a multiple of 16", train + ["--width", "20"])
        try refused(2, "is deeper than its teacher", train + ["--layers", "5"])
        try refused(
            2,
            "--variant: expected",
            ["evaluate", "--model", folder("teacher"), "--data", folder("data.csv"), "--variant", "fp8"]
        )
    }

    @Test func whatFailsIsStatus1() throws {
        func finetune(_ data: String, _ more: [String] = []) -> [String] {
            ["finetune", "--model", folder("encoder"), "--data", folder(data), "--output", folder("made")] + more
        }
        try refused(1, "absent.csv", finetune("absent.csv"))
        try folder.temporary.write("words.csv", "texts,label\na b,early\n")
        try refused(1, "text", finetune("words.csv"))
        try folder.temporary.write("gap.csv", "text,label\na b,early\nc d,\n")
        try refused(1, "gap.csv, line 3: the label is missing", finetune("gap.csv"))
        try folder.temporary.write("other.csv", "text,label\na b,early\nc d,noon\n")
        try refused(
            1,
            "noon",
            ["train", "--teacher", folder("teacher"), "--data", folder("other.csv"), "--output", folder("made")]
        )
        try refused(1, "noon", ["evaluate", "--model", folder("teacher"), "--data", folder("other.csv")])
        try refused(
            1,
            "nothing",
            ["finetune", "--model", folder("nothing"), "--data", folder("data.csv"), "--output", folder("made")]
        )
    }

    @Test func whatIsThereIsReplacedWhenAsked() throws {
        #expect(try folder.distill(folder.finetune("made", epochs: 1)).exit == .exited(0))
        let first = try folder.bytes("made/model.safetensors")
        let run = try folder.distill(folder.finetune("made", epochs: 2, ["--force"]))
        #expect(run.exit == .exited(0), "\(run.errors)")
        #expect(try folder.bytes("made/model.safetensors") != first)
    }
}
