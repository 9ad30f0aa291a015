import DistilBERT
import Foundation
import ModelFiles
import Tensors
import TestSupport
import Testing

/// The engine against `transformers`: the cases that `ops/golden-models` recorded (`Golden/README.md`).
@Suite struct GoldenTests {
    struct Case: CustomTestStringConvertible {
        let name: String
        let full: Bool
        let lengths: [Int]
        let checkpoint: SeededCheckpoint
        var testDescription: String { name }
    }

    static let folder = Bundle.module.resourcePath! + "/Golden"

    static let cases: [Case] = {
        do {
            let file = try JSONNode(readingFile: folder + "/models.json")
            return try file.required("cases").elements().map { node in
                Case(
                    name: try node.required("name").string(),
                    full: try node.required("full").bool(),
                    lengths: try node.required("lengths").elements().map { try $0.integer(in: 1...512) },
                    checkpoint: try SeededCheckpoint(try node.required("checkpoint"))
                )
            }
        } catch {
            fatalError("\(error)")
        }
    }()

    /// Types 1 from the middle on in every second sequence of a BERT.
    private func sequences(_ test: Case) -> [TokenSequence] {
        test.lengths.enumerated().map { index, length in
            let paired = test.checkpoint.family == .bert && index % 2 == 1
            return TokenSequence(
                ids: test.checkpoint.tokenIDs(length: length),
                types: paired ? (0..<length).map { $0 >= length / 2 ? 1 : 0 } : []
            )
        }
    }

    @Test(arguments: cases) func answersAsTransformers(_ test: Case) throws {
        let folder = try TemporaryFolder()
        try test.checkpoint.write(to: folder.path)
        let golden = try Checkpoint(directory: Self.folder)
        let sequences = sequences(test)
        // Every kind of kernels for small models; the large ones with the machine's best and two threads.
        let sets = test.full ? InstructionSet.allCases.filter(\.isSupported) : [.best]
        for set in sets {
            let model = try LoadedCheckpoint(
                directory: folder.path,
                threads: test.full ? 1 : 2,
                instructionSet: set
            )
            if let expected = golden.tensor("\(test.name)/logits")?.floats() {
                let logits = try model.logits(sequences).flatMap { $0 }
                let largest = expected.reduce(0) { max($0, abs($1)) }
                #expect(logits.count == expected.count)
                #expect(difference(logits, expected) < 1e-4 * largest, "logits, \(set)")
            }
            if let expected = golden.tensor("\(test.name)/pooler_output")?.floats() {
                #expect(difference(try model.pooled(sequences).flatMap { $0 }, expected) < 1e-4, "pooler, \(set)")
            }
            guard test.full else { continue }
            let hidden = try model.hidden(sequences)
            for (index, length) in test.lengths.enumerated() {
                let tensor = try #require(golden.tensor("\(test.name)/\(length)/last_hidden_state"))
                #expect(difference(hidden[index], tensor.floats()) < 1e-4, "length \(length), \(set)")
            }
        }
    }

    private func difference(_ a: [Float], _ b: [Float]) -> Float {
        a.count == b.count ? zip(a, b).reduce(0) { max($0, abs($1.0 - $1.1)) } : .infinity
    }
}
