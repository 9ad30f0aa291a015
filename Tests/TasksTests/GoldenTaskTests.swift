import Foundation
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
            let request = golden.taskRequest
            let answer: TaskResult
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

/// How an answer differs from what `ops/golden-tasks` recorded.
final class Difference {
    /// What is not the same that must be.
    private(set) var message: String?
    /// The largest difference of two scores.
    private(set) var largest: Float = 0

    init(_ answer: TaskResult, _ expected: Any) {
        switch answer {
        case .classify(let results), .zeroShot(let results):
            rows(results[0].scores, expected) { item, row in same(item.label, row[0], score: item.score, row[1]) }
        case .tag(let results):
            rows(results[0].entities, expected) { item, row in
                same(item.label, row[0], score: item.score, row[1])
                equal("\(item.word)|\(item.start)|\(item.end)|\(item.index)", row[2...5])
            }
        case .answer(let results):
            // Spans of score 0, which begin behind their end or at [CLS], are no answers here.
            let all = expected as? [[Any]] ?? []
            let real = all.filter { ($0[1] as? NSNumber)?.floatValue != 0 }
            rows(results[0].answers, real.isEmpty ? Array(all.prefix(1)) : real) { item, row in
                same(item.text, row[0], score: item.score, row[1])
                equal("\(item.start)|\(item.end)", row[2...3])
            }
        case .fillMask(let results):
            let masks = expected as? [[[Any]]] ?? []
            if masks.count != results[0].masks.count { message = "\(results[0].masks.count) masks" }
            for (mask, tokens) in zip(results[0].masks, masks) {
                rows(mask.tokens, tokens) { item, row in
                    same(item.text, row[1], score: item.score, row[2])
                    equal("\(item.id)|\(item.sequence)", [row[0], row[3]])
                }
            }
        case .rerank(let results): numbers(results.map(\.score), expected)
        case .multipleChoice(let results): numbers(results[0].scores, expected)
        case .embed(let results): numbers(results[0].values, expected)
        case .features(let results):
            sample(results[0].values, [results[0].tokens, results[0].hidden], expected)
        case .infer(let tensors, _):
            let outputs = expected as? [String: Any] ?? [:]
            if Set(outputs.keys) != Set(tensors.map(\.name)) { message = "outputs \(tensors.map(\.name))" }
            for tensor in tensors {
                guard case .floats(let values) = tensor.values, let output = outputs[tensor.name] else { continue }
                sample(values, tensor.shape, output)
            }
        case .tokenize: message = "tokens"
        }
    }

    private func rows<Item>(_ items: [Item], _ expected: Any, _ compare: (Item, [Any]) -> Void) {
        let rows = expected as? [[Any]] ?? []
        if rows.count != items.count { message = "\(items) instead of \(rows)" }
        for (item, row) in zip(items, rows) { compare(item, row) }
    }

    private func same(_ text: String, _ other: Any, score: Float, _ otherScore: Any) {
        equal(text, [other])
        numbers([score], [otherScore])
    }

    private func equal(_ text: String, _ parts: some Sequence<Any>) {
        let expected = parts.map { "\($0)" }.joined(separator: "|")
        // by scalars: "é" is not "e\u{301}"
        if !text.unicodeScalars.elementsEqual(expected.unicodeScalars), message == nil {
            message = "\(text.debugDescription) instead of \(expected.debugDescription)"
        }
    }

    private func numbers(_ values: [Float], _ expected: Any) {
        let others = (expected as? [Any] ?? []).map { ($0 as? NSNumber)?.floatValue ?? .nan }
        if values.count != others.count { message = "\(values.count) values instead of \(others.count)" }
        for (value, other) in zip(values, others) {
            let difference = abs(value - other)
            largest = max(largest, difference.isNaN ? .infinity : difference)
        }
    }

    private func sample(_ values: [Float], _ shape: [Int], _ expected: Any) {
        guard let expected = expected as? [String: Any], let step = expected["step"] as? Int,
            let other = expected["values"]
        else { return message = "no sample" }
        if expected["shape"] as? [Int] != shape { message = "shape \(shape)" }
        numbers(stride(from: 0, to: values.count, by: step).map { values[$0] }, other)
    }
}
