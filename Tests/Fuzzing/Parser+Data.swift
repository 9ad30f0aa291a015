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
            _ = DatasetChecks.leaks(train: dataset, test: dataset)
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
