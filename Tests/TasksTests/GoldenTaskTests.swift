import Foundation
import Messages
import Tasks
import Testing

/// Every pipeline against `transformers` 4.57 and sentence-transformers: labels, words and offsets the same, scores
/// within 1e-5.
@Suite struct GoldenTaskTests {
    private static let tolerance: Float = 1e-5

    @Test(arguments: GoldenModels.models.keys.sorted()) func answersAsThePipelinesDo(_ name: String) throws {
        let model = try GoldenModels.load(name)
        let cases = try GoldenCase.all(of: name)
        try #require(!cases.isEmpty)
        for golden in cases {
            let request = golden.inferenceRequest
            let answer: InferenceResponse
            do {
                let results = try model.answer([request], stepTokens: 300)
                answer = try #require(results.first)
            } catch let error as TaskError {
                #expect(error.kind == .invalidArgument)
                #expect(golden.expected == nil || golden.isRefusedHere, "\(golden): \(error)")
                continue
            }
            guard let expected = golden.expected else {
                Issue.record("the pipeline raises for \(golden); here it is \(answer)")
                continue
            }
            let difference = Difference(answer, expected)
            #expect(difference.message == nil, "\(golden)")
            #expect(difference.largest <= Self.tolerance, "\(golden)")
            Worst.note(golden.task, difference.largest)
        }
        print("\(name): \(cases.count) cases; largest difference by task so far: \(Worst.summary)")
    }
}

/// The largest score difference of each task.
private enum Worst {
    nonisolated(unsafe) private static var values: [String: Float] = [:]
    private static let lock = NSLock()

    static func note(_ task: String, _ value: Float) { lock.withLock { values[task] = max(values[task] ?? 0, value) } }
    static var summary: String {
        lock.withLock { values.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ") }
    }
}
