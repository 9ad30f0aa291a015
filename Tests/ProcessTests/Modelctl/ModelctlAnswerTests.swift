import Foundation
import LinuxSystem
import ModelClientTesting
import Testing

/// What `modelctl tag|answer|fill-mask|zero-shot|rerank|similarity|choose|infer` ask and print, against a fake server.
@Suite(.timeLimit(.minutes(10))) struct ModelctlAnswerTests {
    @Test func jsonHasTheKeysOfTransformers() async throws {
        try await FakeModels.withAll { models in
            let tags = try await models.modelctl(
                "tag",
                "ner",
                "👩‍👧 Ada in 東京",
                "--json",
                "--aggregation-strategy",
                "simple"
            )
            #expect(
                tags.output == """
                    [{"entity_group":"PER","score":0.9,"word":"Ada","start":4,"end":7},\
                    {"entity_group":"LOC","score":0.9,"word":"東京","start":11,"end":13}]

                    """
            )
            let answer = try await models.modelctl(
                "answer",
                "qa",
                "--question",
                "Where?",
                "--context",
                "in 東京.",
                "--json"
            )
            #expect(answer.output == "[{\"answer\":\"東京\",\"score\":0.9,\"start\":3,\"end\":5}]\n")
            let none = try await models.modelctl("answer", "qa", "--question", "Why?", "--context", "in 東京.", "--json")
            #expect(none.output == "[{\"answer\":\"\",\"score\":0.9,\"start\":0,\"end\":0}]\n")
            let mask = try await models.modelctl("fill-mask", "lm", "The [MASK].", "--json", "--top-k", "2")
            #expect(
                mask.output == """
                    [{"score":0.9,"token":0,"token_str":"capital","sequence":"The capital."},\
                    {"score":0.45,"token":1,"token_str":"heart","sequence":"The heart."}]

                    """
            )
            let masks = try await models.modelctl("fill-mask", "lm", "[MASK] [MASK]", "--json").json.first as? [[Any]]
            #expect(masks?.count == 2)
            let zeroShot = try await models.modelctl("zero-shot", "nli", "on art", "--labels", "sport, art", "--json")
            #expect(zeroShot.output == "{\"labels\":[\"art\",\"sport\"],\"scores\":[0.9,0.1]}\n")
            let ranked = try await models.modelctl("rerank", "ranker", "a dog", "a cat", "--query", "cat", "--json")
            #expect(
                ranked.output == """
                    [{"corpus_id":1,"score":0.75,"text":"a cat"},{"corpus_id":0,"score":0.25,"text":"a dog"}]

                    """
            )
            let table = try await models.modelctl("similarity", "minilm", "a", "b", "--json").json.first as? [[Double]]
            #expect(table?.map(\.count) == [2, 2])
            let choice = try await models.modelctl(
                "choose",
                "swag",
                "She",
                "--choice",
                "a",
                "--choice",
                "tea",
                "--json"
            )
            #expect(choice.output == "{\"index\":1,\"scores\":[0.1,0.9]}\n")
            let tensor = "{\"inputs\":[{\"name\":\"input_ids\",\"shape\":[1,3],\"data\":[101,7,102]}]}"
            let expected =
                "{\"outputs\":[{\"name\":\"logits\",\"datatype\":\"FP32\",\"shape\":[1,2],\"data\":[3.0,-1.0]}]}\n"
            #expect(try await models.modelctl("infer", "sentiment", tensor, "--json").output == expected)
            let line = try await models.modelctl("infer", "sentiment", "--file", "-", "--json", input: tensor + "\n")
            #expect(line.output == expected)
        }
    }

    @Test func linesHaveTheTasksMembers() async throws {
        try await FakeModels.withAll { models in
            let questions = """
                {"question":"Where?","context":"in 東京."}
                "Where, again?"
                {"context":"東京"}
                {"question":7,"context":"x"}

                """
            let run = try await models.modelctl(
                "answer",
                "qa",
                "--context",
                "東京!",
                "--file",
                "-",
                "--json",
                input: questions
            )
            #expect(run.exit == .exited(1))
            #expect(run.lines.count == 4)
            #expect(run.lines[0].contains("\"start\":3"))
            #expect(run.lines[1].contains("\"start\":0"))
            #expect(run.lines[2].contains("line 3: the object has no \\\"question\\\""))
            #expect(run.lines[3].contains("line 4: \\\"question\\\" is not a string"))

            let own = "{\"text\":\"x\",\"labels\":[\"p\",\"q\"]}\n\"no labels\"\n{\"text\":\"x\",\"labels\":\"p\"}\n"
            let labels = try await models.modelctl("zero-shot", "nli", "--file", "-", "--json", input: own)
            #expect(labels.lines.count == 3)
            #expect(labels.lines[0].hasPrefix("{\"labels\":[\"p\",\"q\"]"))
            #expect(labels.lines[1].contains("has no \\\"labels\\\""))
            #expect(labels.lines[2].contains("is not a list of strings"))

            let lists = "{\"query\":\"cat\",\"texts\":[\"dog\",\"cat\"]}\n"
            let ranked = try await models.modelctl("rerank", "ranker", "--file", "-", "--json", input: lists)
            #expect(ranked.lines.first?.hasPrefix("[{\"corpus_id\":1") == true)

            let tensors = """
                {"inputs":[{"name":"a","shape":[1],"data":[0.5]}]}
                {"inputs":[{"name":"a","shape":[1],"data":[1],"datatype":"INT8"}]}
                {"inputs":[{"name":"a","shape":[2],"data":[1]}]}
                "text"

                """
            let refused = try await models.modelctl("infer", "sentiment", "--file", "-", "--json", input: tensors)
            #expect(refused.lines.count == 4)
            #expect(refused.lines.allSatisfy { $0.hasPrefix("{\"error\":{\"code\":\"INVALID_ARGUMENT\"") })
            #expect(refused.lines[1].contains("it can be INT64 or FP32"))
            #expect(refused.lines[2].contains("inputs[0].shape"))
        }
    }

    @Test func peopleSeeWhatWasFound() async throws {
        try await FakeModels.withAll { models in
            let tags = try await models.modelctl("tag", "ner", "Ada in 東京")
            #expect(
                tags.lines == ["[Ada|PER] in [東京|LOC]", "  PER  Ada  0.9000", "  LOC  東京   0.9000"],
                "\(tags.errors)"
            )
            #expect(try await models.modelctl("tag", "ner", "nobody").lines == ["nobody", "  nothing found"])
            let context = String(repeating: "word ", count: 100) + "in 東京 " + String(repeating: "word ", count: 100)
            let answer = try await models.modelctl("answer", "qa", context, "--question", "Where?").lines
            #expect(answer.count == 3)
            #expect(answer[1] == "  東京  0.9000")
            #expect(answer[2].contains("in [東京] word") && answer[2].hasPrefix("    …") && answer[2].hasSuffix("…"))
            let table = try await models.modelctl("similarity", "minilm", "one", "two", "one").lines
            #expect(table.count == 4)
            #expect(table[1].hasPrefix("(1)  one  1.000 "))
            #expect(table[1].hasSuffix(" 1.000"))
            let ranked = try await models.modelctl("rerank", "ranker", "dog", "cat", "--query", "cat").lines
            #expect(ranked == ["1.  0.7500  cat", "2.  0.2500  dog"])
            #expect(try await models.modelctl("fill-mask", "lm", "The [MASK].").lines.count == 3)
            #expect(try await models.modelctl("zero-shot", "nli", "art", "--labels", "art,sport").lines.count == 2)
            #expect(
                try await models.modelctl("choose", "swag", "She", "--choice", "a").lines == ["She", "  1.0000  a"]
            )
        }
    }

    @Test func coloursOnATerminalOnly() async throws {
        try await FakeModels.withAll { models in
            let escape = "\u{1B}["
            let shown = try await models.modelctlOnTerminal("tag", "ner", "Ada in 東京")
            #expect(shown.contains("\(escape)35mAda\(escape)0m"))
            #expect(shown.contains("██"))
            let plain = try await models.modelctlOnTerminal("tag", "ner", "Ada in 東京", environment: ["NO_COLOR": "1"])
            #expect(!plain.contains(escape))
            #expect(plain.contains("[Ada|PER]"))
            let answer = try await models.modelctlOnTerminal("answer", "qa", "in 東京.", "--question", "Where?")
            #expect(answer.contains("in \(escape)7m東京\(escape)0m."))
            let heat = try await models.modelctlOnTerminal("similarity", "minilm", "one", "one")
            #expect(heat.contains("\(escape)31m1.000\(escape)0m"))
            #expect(try await !models.modelctl("tag", "ner", "Ada").output.contains(escape))
        }
    }

    @Test func wrongArgumentsAreRefusedBeforeAnythingIsAsked() async throws {
        try await FakeModels.withAll { models in
            for arguments in [
                ["tag", "ner"], ["tag", "ner", "a", "--aggregation-strategy", "best"],
                ["tag", "ner", "a", "--stride", "3"],
                ["tag", "ner", "a", "--windows", "--truncate"], ["answer", "qa", "--question", "q"],
                ["answer", "qa", "--question", "q", "--context", "c", "text"], ["answer", "qa", "text"],
                ["answer", "qa", "c", "--question", "q", "--top-k", "0"], ["fill-mask", "lm", "a", "--top-k", "0"],
                ["zero-shot", "nli", "text"], ["zero-shot", "nli", "text", "--labels", ","],
                ["rerank", "ranker", "text"], ["similarity", "minilm", "one"], ["choose", "swag", "text"],
                ["classify", "sentiment", "a", "--window-max"],
                ["embed", "minilm", "a", "--prompt", "p", "--prompt-name", "n"],
                ["infer", "sentiment"],
            ] {
                let run = try await models.run("modelctl", arguments)
                #expect(run.exit == .exited(64), "\(arguments): \(run.errors)")
            }
            #expect(models.server.requests.isEmpty)
        }
    }
}
