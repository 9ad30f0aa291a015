import DistilBERT
import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct EncoderTests {
    private let folder: TemporaryFolder
    private let checkpoint: SeededCheckpoint

    init() throws {
        folder = try TemporaryFolder()
        checkpoint = SeededCheckpoint.smallBERT(labels: 3, spread: 0.25)
        try checkpoint.write(to: folder.path)
    }

    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), [1, 2])
    func bitsDoNotDependOnCompanyOrThreads(_ set: InstructionSet, _ threads: Int) throws {
        let alone = try LoadedCheckpoint(directory: folder.path, instructionSet: set)
        let together = try LoadedCheckpoint(directory: folder.path, threads: threads, instructionSet: set)
        let sequences = [1, 128, 7, 30, 2, 64, 13].map { TokenSequence(ids: checkpoint.tokenIDs(length: $0)) }
        let batch = try together.hidden(sequences)
        let logits = try together.logits(sequences)
        for (index, sequence) in sequences.enumerated() {
            #expect(try alone.hidden([sequence]) == [batch[index]])
            #expect(try alone.logits([sequence]) == [logits[index]])
        }
    }

    @Test func firstRowsAreThoseOfAllRows() throws {
        let model = try LoadedCheckpoint(directory: folder.path)
        let lengths = [5, 40, 1, 90]
        let all = lengths.map { TokenSequence(ids: checkpoint.tokenIDs(length: $0)) }
        let whole = try model.hidden(all)
        var mixed = all
        mixed[1].rows = .first
        mixed[3].rows = .first
        let parts = try model.hidden(mixed)
        #expect(parts[0] == whole[0] && parts[2] == whole[2])
        #expect(parts[1] == Array(whole[1].prefix(96)) && parts[3] == Array(whole[3].prefix(96)))
    }

    /// In widths that end between pairs of panels, within one, and before the first one's end.
    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), [96, 100, 20])
    func anyRowsAreThoseOfAllRows(_ set: InstructionSet, _ hidden: Int) throws {
        let folder = try TemporaryFolder()
        var checkpoint = checkpoint
        checkpoint.hidden = hidden
        try checkpoint.write(to: folder.path)
        let lengths = [5, 40, 1, 90, 17, 128]
        let wanted = [[1, 4], [0, 7, 8, 9, 39], [0], [], Array(3..<17), [127]]
        let all = lengths.map { TokenSequence(ids: checkpoint.tokenIDs(length: $0)) }
        for (variant, threads) in [("fp32", 1), ("fp32", 2), ("bf16", 2), ("int8", 2)] {
            let model = try LoadedCheckpoint(
                directory: folder.path,
                threads: threads,
                instructionSet: set,
                variant: variant
            )
            let whole = try model.hidden(all)
            let parts = try model.hidden(zip(all, wanted).map { TokenSequence(ids: $0.ids, rows: .at($1)) })
            for (index, rows) in wanted.enumerated() {
                let expected = rows.flatMap { whole[index][$0 * hidden..<($0 + 1) * hidden] }
                #expect(parts[index] == expected, "\(variant), \(threads) threads, sequence \(index)")
            }
        }
    }

    @Test func stopsBetweenLayersWhenToldTo() throws {
        let model = try LoadedCheckpoint(directory: folder.path)
        var asked = 0
        let output = try model.encoder.forward([TokenSequence(ids: [1, 2, 3])]) {
            asked += 1
            return asked < 2
        }
        #expect(output == nil && asked == 2)
        // and computes as before afterwards
        #expect(try model.hidden([TokenSequence(ids: [1, 2, 3])]).count == 1)
    }

    @Test func whatTheModelLacksIsRefused() throws {
        let model = try LoadedCheckpoint(directory: folder.path)
        func message(_ sequence: TokenSequence) -> String {
            do throws(EngineError) {
                _ = try model.encoder.forward([sequence])
                return "computed"
            } catch {
                return error.description
            }
        }
        #expect(message(TokenSequence(ids: [])) == "a sequence has no tokens")
        #expect(
            message(TokenSequence(ids: Array(repeating: 1, count: 129)))
                == "a sequence has 129 tokens, the model takes at most 128"
        )
        #expect(message(TokenSequence(ids: [500])) == "token id 500 is outside the model's vocabulary of 500")
        #expect(message(TokenSequence(ids: [-1])) == "token id -1 is outside the model's vocabulary of 500")
        #expect(message(TokenSequence(ids: [1], types: [2])) == "token type 2 is not below the model's 2")
        #expect(message(TokenSequence(ids: [1, 2], types: [1])) == "a sequence of 2 tokens has 1 token types")
        let rows = "the wanted rows of a sequence of 2 tokens are not ascending and below that"
        for wrong in [[2], [-1], [1, 0], [1, 1]] {
            #expect(message(TokenSequence(ids: [1, 2], rows: .at(wrong))) == rows)
        }
        #expect(message(TokenSequence(ids: [1], positions: [128])) == "position 128 is not below the model's 128")
        #expect(message(TokenSequence(ids: [1], positions: [1, 2])) == "a sequence of 1 tokens has 2 positions")
    }
}
