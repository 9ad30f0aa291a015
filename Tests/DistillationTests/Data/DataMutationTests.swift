import Distillation
import Foundation
import Testing

/// How many times the usual number of files is tried.
private let effort = ProcessInfo.processInfo.environment["DISTILLERY_FUZZ_FACTOR"].flatMap { Int($0) } ?? 1

/// Files that were damaged at random places: they are read or refused, never more. `Tests/Fuzzing` looks longer.
@Suite struct DataMutationTests {
    struct Seed: Sendable, CustomTestStringConvertible {
        let file: String
        let text: String
        var format = DatasetOptions.Format.byName
        var testDescription: String { "\(file) \(format)" }
    }

    static let seeds = [
        Seed(file: "d.csv", text: "\u{FEFF}text,text_pair,label\r\n\"a, \"\"b\"\"\r\nc\",é,x|y\r\nd,,1.5\r\n"),
        Seed(file: "d.tsv", text: "text\tlabel\n\"a\"\t1.5\nc\t-2\n"),
        Seed(
            file: "d.jsonl",
            text: #"{"text":"a","labels":["x","y"]}"# + "\n" + #"{"text":"b","probabilities":{"x":0.25,"y":0.75}}"#
                + "\n"
                + #"{"tokens":["a","b"],"tags":["O","B-X"],"id":7}"# + "\n"
        ),
        Seed(file: "d.json", text: #"{"question":"q","context":"é a","answers":{"text":["a"],"answer_start":[2]}}"#),
        Seed(file: "d", text: "gj04\t1\t\tOur friends\ngj04\t0\t*\tOur\n", format: .glue(.cola)),
        Seed(file: "d", text: "index\tsentence1\tsentence2\tscore\n0\ta\tb\t5.000\n", format: .glue(.stsb)),
        Seed(
            file: "d",
            text: #"{"data":[{"paragraphs":[{"context":"é a","qas":[{"id":"1","question":"q","answers":[{"text":"a","#
                + #""answer_start":2}]},{"id":"2","question":"r","is_impossible":true}]}]}]}"#,
            format: .squad
        ),
    ]

    @Test(arguments: seeds)
    func damagedFilesAreReadOrRefused(seed: Seed) throws {
        let bytes = Array(seed.text.utf8)
        let alphabet = Array("\"\t\n\r,|{}[]:0-9e.\\ax\0".utf8) + [0x80, 0xC3, 0xE2, 0xF0, 0xFF]
        var generator = SeededGenerator(seed: 1)
        var accepted = 0
        for _ in 0..<500 * effort {
            var damaged = bytes
            for _ in 0...generator.below(4) where !damaged.isEmpty {
                let place = generator.below(damaged.count)
                switch generator.below(4) {
                case 0: damaged.remove(at: place)
                case 1: damaged.insert(alphabet[generator.below(alphabet.count)], at: place)
                case 2: damaged.removeSubrange(place...)
                default: damaged[place] = alphabet[generator.below(alphabet.count)]
                }
            }
            let result = Result { () throws(DistillationError) in
                try read(damaged, as: seed.file, DatasetOptions(format: seed.format))
            }
            switch result {
            case .success(let data):
                accepted += 1
                #expect(!data.examples.isEmpty)
                for example in data.examples { #expect(isSound(example.target, labels: data.labels.count)) }
            case .failure(let error):
                #expect(error.kind == .failed && error.message.hasPrefix(seed.file), "\(error)")
            }
        }
        // Neither all nor none: the damage is neither harmless nor total.
        #expect((1..<500 * effort).contains(accepted))
    }

    private func isSound(_ target: Target, labels: Int) -> Bool {
        switch target {
        case .none, .answers: true
        case .label(let label): (0..<labels).contains(label)
        case .labels(let numbers), .tags(let numbers): numbers.allSatisfy { (0..<labels).contains($0) }
        case .probabilities(let values): values.count == labels && values.allSatisfy { (0...1).contains($0) }
        case .value(let value): value.isFinite
        }
    }
}
