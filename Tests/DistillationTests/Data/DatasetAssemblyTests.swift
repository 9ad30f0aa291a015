import Distillation
import TestSupport
import Testing

@Suite struct DatasetAssemblyTests {
    @Test func labelsDecideTheTask() throws {
        let files: [(String, TrainingTask)] = [
            ("text,label\na,1\nb,2\n", .classify),
            ("text,label\na,1.5\nb,-2\n", .regression),
            ("text,label\na,1.5\nb,x\n", .classify),
            ("text,label\na,x|y\nb,\n", .multiLabel),
            ("text\na\n", .classify),
        ]
        for (text, task) in files {
            let data = try read(text, as: "d.csv")
            #expect(data.task == task, "\(text)")
            #expect(data.notices.count == 1 && data.notices[0].hasPrefix("The task is \(task.rawValue): "))
        }
        #expect(try read(#"{"text":"a","labels":["x"]}"#, as: "d.jsonl").task == .multiLabel)
        #expect(try read("text,label\na,1\n", as: "d.csv", DatasetOptions(task: .classify)).notices.isEmpty)
    }

    @Test func theTaskMayBeGiven() throws {
        let bars = "text,label\na,x|y\nb,x\n"
        #expect(try read(bars, as: "d.csv", DatasetOptions(task: .classify)).labels == ["x", "x|y"])
        let lists = try read("text,label\na,y | x||\nb,\nc,x\n", as: "d.csv", DatasetOptions(task: .multiLabel))
        #expect(lists.examples.map(\.target) == [.labels([0, 1]), .labels([]), .labels([0])])
        let numbers = try read("text,label\na, 1e1 \n", as: "d.csv", DatasetOptions(task: .regression))
        #expect(numbers.examples[0].target == .value(10) && numbers.labels.isEmpty)
        let texts = try read("text,text_pair,label\na,b,0.5\n", as: "d.csv", DatasetOptions(task: .embed))
        #expect(texts.task == .embed && texts.examples[0].target == .value(0.5))
        let raw = try read("text,label\na,x\n", as: "d.csv", DatasetOptions(labelUse: .ignored))
        #expect(raw.examples[0].target == .none && raw.labels.isEmpty)
    }

    @Test func whatDoesNotSuitTheTaskIsNamed() {
        func said(_ text: String, _ task: TrainingTask) -> String {
            problem(text, as: "d.csv", DatasetOptions(task: task))
        }
        #expect(said("text,label\na,1\nb,nan\n", .regression) == "d.csv, line 3: \"nan\" is not a number")
        #expect(said("text,label\na,1\nb,1e99\n", .regression) == "d.csv, line 3: \"1e99\" is not a number")
        #expect(said("text,label\na,b\n", .tag).hasPrefix("d.csv, line 2: tags need JSON lines"))
        #expect(said("text,label\na,b\n", .answer).hasPrefix("d.csv, line 2: this is no question"))
        let two = problem(#"{"text":"a","labels":["x","y"]}"#, as: "d.jsonl", DatasetOptions(task: .classify))
        #expect(two == "d.jsonl, line 1: there are 2 labels; one is right for classify")
        let squad = problem("{}", as: "d", DatasetOptions(task: .tag, format: .squad))
        #expect(squad.contains("has no array \"data\""))
    }

    @Test func modelsLabelsAreTheOnesThatThereAre() throws {
        let known = DatasetOptions(labels: ["positive", "negative", "neutral"])
        let data = try read("text,label\na,negative\nb,positive\n", as: "d.csv", known)
        #expect(data.labels == ["positive", "negative", "neutral"])
        #expect(data.examples.map(\.target) == [.label(1), .label(0)])
        #expect(data.warnings.contains("1 label without an example: \"neutral\"."))
        #expect(
            problem("text,label\na,negative\nb,Postive\n", as: "d.csv", known)
                == "d.csv, line 3: the label \"Postive\" is none of the model's 3; the nearest is \"positive\""
        )
        #expect(
            problem("text,label\na,sport\n", as: "d.csv", known).hasSuffix(
                "there are \"positive\", \"negative\", \"neutral\""
            )
        )
        let numbered = try read("text,label\na,2\n", as: "d.csv", known)
        #expect(numbered.examples[0].target == .label(2) && numbered.notices.count == 2)
        #expect(problem("text,label\na,3\n", as: "d.csv", known).contains("the label \"3\" is none of"))
        // Where names are numbers, numbers are names.
        let digits = try read("text,label\na,1\n", as: "d.csv", DatasetOptions(labels: ["1", "0"]))
        #expect(digits.examples[0].target == .label(0))
    }

    @Test func labelsAreToldApartByTheirBytes() throws {
        let data = try read("text,label\na,\u{E9}\nb,e\u{301}\n", as: "d.csv")
        #expect(data.labels.count == 2)
        #expect(data.examples.map(\.target) == [.label(1), .label(0)])
    }

    @Test func filesAreJoined() throws {
        let folder = try TemporaryFolder()
        try folder.write("a.csv", "text,label\na,y\n")
        try folder.write("b.jsonl", #"{"text":"b","label":"x"}"#)
        try folder.write("c.tsv", "text\nc\n")
        let data = try DatasetReader().read(["a.csv", "b.jsonl", "c.tsv"].map { folder($0) })
        #expect(data.examples.map(\.text) == ["a", "b", "c"])
        #expect(data.examples.map(\.target) == [.label(1), .label(0), .none])
        #expect(data.warnings.contains("1 example of 3 without a label."))
        let missing = #expect(throws: DistillationError.self) { try DatasetReader().read([folder("d.csv")]) }
        #expect(missing?.message.contains("d.csv") == true)
    }
}
