import Foundation
import Messages
import ModelFiles
import Tasks
import Tensors
import TestSupport
import Testing

/// The golden answers of every task and both families, in every precision, with every instruction set: natively where the
/// CPU has it, and the AVX-512 kernels' source compiled for AVX2 on any machine. `ops/test` runs these by themselves.
@Suite struct InstructionSetTests {
    /// What `Golden/bits.json` records: a hash of the bits of all answers, by instruction set and precision.
    private static let recorded = Result {
        try JSONNode(readingFile: GoldenModels.golden.appendingPathComponent("bits.json").path)
    }

    private struct Tally {
        var hash: UInt64 = 0
        var cases = 0
        /// Answers with the same labels, words and spans, in the same order.
        var same = 0
        /// The largest difference of a score in one of these.
        var worst: Float = 0
    }

    /// How many answers have to be the same as those of `transformers`, and how near their scores. Random weights of few
    /// dimensions lose more in int8 than trained ones.
    private static let limits: [String: (same: Double, worst: Float)] = [
        "fp32": (1, 1e-5), "bf16": (0.94, 0.04), "int8": (0.93, 0.15),
    ]

    @Test(arguments: WeightFormat.allCases) func everyTaskIsAnsweredAsThePipelinesDo(_ precision: WeightFormat) throws {
        let sets = InstructionSet.allCases.filter(\.isSupported)
        var tallies: [InstructionSet: Tally] = [:]
        for name in GoldenModels.models.keys.sorted() {
            let folder = try TemporaryFolder()
            try #require(GoldenModels.models[name]).write(to: folder.path)
            let pack = try Model.pack(folder.path, variant: precision.rawValue)
            let cases = try GoldenCase.all(of: name)
            for set in sets {
                let model = try Model(pack: pack, threads: 1, instructionSet: set)
                var tally = tallies[set] ?? Tally()
                for golden in cases { try answer(golden, model, precision, set, &tally) }
                tallies[set] = tally
            }
        }
        let limit = try #require(Self.limits[precision.rawValue])
        for set in sets {
            let tally = try #require(tallies[set])
            let hash = String(tally.hash, radix: 16)
            print(
                "\(set.rawValue) \(precision.rawValue): \(tally.same) of \(tally.cases) answers the same, scores within "
                    + "\(tally.worst), bits \(hash)"
            )
            #expect(Double(tally.same) >= limit.same * Double(tally.cases), "\(set)")
            #expect(tally.worst <= limit.worst, "\(set)")
            let known = try Self.recorded.get().member(set.rawValue)?.member(precision.rawValue)?.string()
            #expect(hash == known, "\(set.rawValue) \(precision.rawValue): the bits of the answers have changed")
        }
    }

    private func answer(
        _ golden: GoldenCase,
        _ model: Model,
        _ precision: WeightFormat,
        _ set: InstructionSet,
        _ tally: inout Tally
    ) throws {
        guard let expected = golden.expected, !golden.isRefusedHere else { return }
        let results = try model.answer([golden.inferenceRequest], stepTokens: 300)
        let answer = try #require(results.first)
        let difference = Difference(answer, expected)
        tally.hash = AnswerBits(answer).bytes.withUnsafeBytes { contentHash($0, seed: tally.hash) }
        tally.cases += 1
        guard difference.message == nil else {
            if precision == .float32 { Issue.record("\(set): \(difference.message ?? "") for \(golden)") }
            return
        }
        tally.same += 1
        tally.worst = max(tally.worst, difference.largest)
    }

    /// `ops/test` prints this line before its counts. Where AVX2 is, the emulated sets have run as well.
    @Test func whatRanWhere() {
        let sets = InstructionSet.allCases.filter(\.isSupported)
        let native = sets.filter { !$0.isEmulated }.map(\.rawValue).joined(separator: ", ")
        let emulated = sets.filter(\.isEmulated).map(\.rawValue).joined(separator: ", ")
        let missing = InstructionSet.allCases.filter { !$0.isSupported }.map(\.rawValue).joined(separator: ", ")
        print(
            "instruction sets: natively \(native); emulated \(emulated.isEmpty ? "none" : emulated); "
                + "not on this CPU \(missing.isEmpty ? "none" : missing)"
        )
        #expect(sets.contains(.emulatedAVX512BF16) == sets.contains(.avx2))
    }
}

/// The words and the bits of the numbers of an answer, in order.
private struct AnswerBits {
    private(set) var bytes: [UInt8] = []

    init(_ answer: InferenceResponse) {
        switch answer {
        case .classify(let response):
            for score in response.results.flatMap(\.scores) { add(score.label, [score.score]) }
        case .zeroShot(let response):
            for score in response.results.flatMap(\.scores) { add(score.label, [score.score]) }
        case .tagTokens(let response):
            for entity in response.results.flatMap(\.entities) {
                add("\(entity.label) \(entity.word) \(entity.start) \(entity.end)", [entity.score])
            }
        case .answerQuestion(let response):
            for span in response.results.flatMap(\.answers) {
                add("\(span.answer) \(span.start) \(span.end)", [span.score])
            }
        case .fillMask(let response):
            for token in response.results.flatMap(\.masks).flatMap(\.tokens) { add("\(token.token)", [token.score]) }
        case .rerank(let response): add("", response.results.map(\.score))
        case .multipleChoice(let response): for result in response.results { add("", result.scores) }
        case .embed(let response): for result in response.results { add("", result.values) }
        case .features(let response): for result in response.results { add("", result.values) }
        case .infer(let response): for tensor in response.outputs { add(tensor.name, tensor.floatData) }
        case .tokenize: break
        }
    }

    private mutating func add(_ text: String, _ values: [Float]) {
        bytes += Array(text.utf8)
        for value in values { withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 } }
    }
}
