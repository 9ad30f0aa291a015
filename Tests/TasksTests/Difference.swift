import Messages
import Tasks

import class Foundation.NSNumber

/// How an answer differs from what `ops/golden-tasks` recorded.
final class Difference {
    /// What is not the same that must be.
    private(set) var message: String?
    /// The largest difference of two scores.
    private(set) var largest: Float = 0

    init(_ answer: InferenceResponse, _ expected: Any) {
        switch answer {
        case .classify(let response): labels(response.results[0], expected)
        case .zeroShot(let response): labels(response.results[0], expected)
        case .tagTokens(let response):
            rows(response.results[0].entities, expected) { item, row in
                same(item.label, row[0], score: item.score, row[1])
                equal("\(item.word)|\(item.start)|\(item.end)|\(item.index)", row[2...5])
            }
        case .answerQuestion(let response):
            // Spans of score 0, which begin behind their end or at [CLS], are no answers here.
            let all = expected as? [[Any]] ?? []
            let real = all.filter { ($0[1] as? NSNumber)?.floatValue != 0 }
            rows(response.results[0].answers, real.isEmpty ? Array(all.prefix(1)) : real) { item, row in
                same(item.answer, row[0], score: item.score, row[1])
                equal("\(item.start)|\(item.end)", row[2...3])
            }
        case .fillMask(let response):
            let masks = expected as? [[[Any]]] ?? []
            let filled = response.results[0].masks
            if masks.count != filled.count { message = "\(filled.count) masks" }
            for (mask, tokens) in zip(filled, masks) {
                rows(mask.tokens, tokens) { item, row in
                    same(item.tokenStr, row[1], score: item.score, row[2])
                    equal("\(item.token)|\(item.sequence)", [row[0], row[3]])
                }
            }
        case .rerank(let response): numbers(response.results.map(\.score), expected)
        case .multipleChoice(let response): numbers(response.results[0].scores, expected)
        case .embed(let response): numbers(response.results[0].values, expected)
        case .features(let response):
            let result = response.results[0]
            sample(result.values, [UInt64(result.tokens), UInt64(result.hidden)], expected)
        case .infer(let response):
            let outputs = expected as? [String: Any] ?? [:]
            let names = response.outputs.map(\.name)
            if Set(outputs.keys) != Set(names) { message = "outputs \(names)" }
            for tensor in response.outputs {
                if let output = outputs[tensor.name] { sample(tensor.floatData, tensor.shape, output) }
            }
        case .tokenize: message = "tokens"
        }
    }

    private func labels(_ result: Classification, _ expected: Any) {
        rows(result.scores, expected) { item, row in same(item.label, row[0], score: item.score, row[1]) }
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

    private func sample(_ values: [Float], _ shape: [UInt64], _ expected: Any) {
        guard let expected = expected as? [String: Any], let step = expected["step"] as? Int,
            let other = expected["values"]
        else { return message = "no sample" }
        if expected["shape"] as? [UInt64] != shape { message = "shape \(shape)" }
        numbers(stride(from: 0, to: values.count, by: step).map { values[$0] }, other)
    }
}
