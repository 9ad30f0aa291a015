import Distillation

extension Parser {
    /// Files of training data, by how they are laid out.
    static let data: [Parser] = [
        data("data-csv", "fuzz.csv", ["text,label\r\n\"a, \"\"b\"\"\r\nc\",x|y\r\nd,\r\n", "\u{FEFF}text\né\n"]),
        data("data-tsv", "fuzz.tsv", ["text\ttext_pair\tlabel\n\"a\"\tb\t1.5\nc\t\t-2\n"]),
        data(
            "data-jsonl",
            "fuzz.jsonl",
            [
                #"{"text":"a","label":"x"}"# + "\n\n"
                    + #"{"text":"b","label":"y","probabilities":{"x":0.25,"y":0.75}}"#,
                #"{"text":"a","text_pair":"b","labels":["x","y"]}"#,
                #"{"tokens":["a","b"],"tags":["O","B-X"],"id":7}"#,
                #"{"question":"q","context":"é a","answers":{"text":["a"],"answer_start":[2]}}"#,
            ]
        ),
        data(
            "data-glue-cola",
            "fuzz",
            ["gj04\t1\t\tOur friends\ngj04\t0\t*\tOur\n", "index\tsentence\n0\tBill whistled\n"],
            format: .glue(.cola)
        ),
        data(
            "data-glue-stsb",
            "fuzz",
            ["index\tsentence1\tsentence2\tscore\n0\ta\tb\t5.000\n1\tc\n"],
            format: .glue(.stsb)
        ),
        data(
            "data-squad",
            "fuzz",
            [
                #"{"data":[{"paragraphs":[{"context":"é a","qas":[{"id":"1","question":"q","answers":"#
                    + #"[{"text":"a","answer_start":2}]},{"id":"2","question":"r","is_impossible":true,"answers":[]}]}]}]}"#
            ],
            format: .squad
        ),
    ]

    /// What `distill` reads of its own files, and of those that people write for it.
    static let runs: [Parser] = [
        Parser(name: "recipe") {
            [
                "# a\ncommand: \"train\"\ndata: \"a \\\"b\\\".csv\"\nepochs: 3  # often\nlearning_rate: 5e-5\n",
                "teacher_layers: [0, 2,4]\nfamily: bert\nprecision: bf16\n", "",
            ].map { Array($0.utf8) }
        } run: { bytes in
            let text = String(decoding: bytes, as: UTF8.self)
            guard let recipe = try? RecipeFile(text, file: "fuzz") else { return false }
            // What is written of it is read as the same.
            let again = try? RecipeFile(recipe.text, file: "fuzz")
            precondition(again?.settings == recipe.settings, recipe.text)
            precondition(again.map { $0.command.map(\.value) } == recipe.command.map(\.value), recipe.text)
            return true
        },
        Parser(name: "saved-run") {
            var place = SavedRun.Place()
            (place.step, place.tokens, place.seconds, place.loss) = (7, 900, 1.5, -0.25)
            let blocks = (0..<3).map { [UInt8](repeating: $0, count: 8) }
            let reached: [UInt8] = [1, 0]
            let lines = blocks.flatMap { $0 }.withUnsafeBytes { all in
                let parts = (0..<3).map { UnsafeRawBufferPointer(rebasing: all[$0 * 8..<$0 * 8 + 8]) }
                return reached.withUnsafeBytes { SavedRun.lines(place, key: "key", blocks: parts, reached: $0) }
            }
            return [lines + blocks.flatMap { $0 } + reached]
        } run: { bytes in
            bytes.withUnsafeBytes { bytes in
                guard let saved = try? SavedRun(bytes, key: "key") else { return false }
                precondition(saved.place.step >= 0 && saved.place.tokens >= 0 && saved.blocks.count == 3)
                precondition(Set(saved.blocks.map(\.count)).count == 1)
                return true
            }
        },
        Parser(name: "report") {
            [
                #"{"format":1,"systems":[{"name":"a","kind":"student","runs":[{"contents":"0f","intervals":{"accuracy":"#
                    + #"{"value":0.5,"low":0.25,"high":1}},"kept":{"low":1}}]}],"texts":[{"text":"a","text_pair":null}],"#
                    + #""setting":{"data":[{"role":"test","name":"t.csv","n":3,"hash":"ff"}]}}"#
            ].map { Array($0.utf8) }
        } run: { bytes in
            guard let report = try? PublishedReport(bytes, path: "fuzz") else { return false }
            for floor in ["accuracy=0.5", "kept=0.5"] {
                guard let run = try? report.run(of: "0f", directory: "fuzz"),
                    let floor = try? QualityFloor(parsing: floor)
                else { continue }
                _ = try? floor.check(floor.lowerBound(in: run))
            }
            return true
        },
    ]

    private static func data(
        _ name: String,
        _ file: String,
        _ seeds: [String],
        format: DatasetOptions.Format = .byName
    ) -> Parser {
        Parser(name: name) {
            seeds.map { Array($0.utf8) }
        } run: { bytes in
            let reader = DatasetReader(DatasetOptions(format: format))
            guard let dataset = try? bytes.withUnsafeBytes({ try reader.read($0, file: file) }) else { return false }
            for example in dataset.examples { check(example, of: dataset) }
            precondition(Set(dataset.labels).count <= dataset.labels.count && !dataset.examples.isEmpty)
            if let split = try? dataset.split(fraction: 0.5, seed: 1) {
                precondition(split.train.count + split.heldOut.count == dataset.count)
            }
            _ = DatasetChecks.leaks(train: dataset.examples, test: dataset)
            return true
        }
    }

    /// Every number is that of a known label, probabilities are some, and answers stand where they say.
    private static func check(_ example: Example, of dataset: Dataset) {
        precondition(!example.text.unicodeScalars.allSatisfy(\.properties.isWhitespace))
        switch example.target {
        case .none: break
        case .label(let label): precondition(dataset.labels.indices.contains(label))
        case .labels(let labels): precondition(labels.allSatisfy(dataset.labels.indices.contains))
        case .tags(let tags):
            precondition(tags.count == example.words.count && tags.allSatisfy(dataset.labels.indices.contains))
        case .probabilities(let values):
            precondition(values.count == dataset.labels.count && values.allSatisfy { (0...1).contains($0) })
        case .value(let value): precondition(value.isFinite)
        case .answers(let answers):
            let context = Array((example.pair ?? "").unicodeScalars)
            for answer in answers {
                precondition(context.dropFirst(answer.start).starts(with: answer.text.unicodeScalars))
            }
        }
    }
}
