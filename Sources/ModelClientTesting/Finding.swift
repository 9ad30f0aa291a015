import Messages
import ModelClient
import Wire

extension FakeModelServer {
    /// Answers one element after the other, in their order.
    static func each<Input, Result>(
        _ inputs: [Input],
        _ answer: (Input) async throws -> Result
    ) async throws -> [Result] {
        var results: [Result] = []
        for input in inputs { results.append(try await answer(input)) }
        return results
    }

    /// As many tokens as a text has words, and two special ones.
    static func tokens(_ text: String) -> UInt32 {
        UInt32(clamping: text.split(whereSeparator: \.isWhitespace).count + 2)
    }

    /// Where a part first stands in a text, from an index on.
    ///
    /// - Throws: `ModelClientError` when it does not.
    static func find(_ part: String, in text: String, from start: String.Index) throws -> Range<String.Index> {
        var index = start
        while !part.isEmpty, index < text.endIndex {
            if text[index...].hasPrefix(part) { return index..<text.index(index, offsetBy: part.count) }
            text.formIndex(after: &index)
        }
        throw ModelClientError(code: .internal, message: "the fake's answer '\(part)' is no part of '\(text)'")
    }

    /// A range counted in Unicode scalars.
    static func offsets(_ range: Range<String.Index>, in text: String) -> (start: UInt32, end: UInt32) {
        let start = text.unicodeScalars[..<range.lowerBound].count
        let length = text.unicodeScalars[range].count
        return (UInt32(clamping: start), UInt32(clamping: start + length))
    }
}

extension String {
    /// The text with a part replaced.
    func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
        String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
    }
}

extension ClientTextInput {
    init(_ message: WireTextInput) {
        self.init(message.text, pair: message.hasPair ? message.textPair : nil)
    }
}

extension WireClassification {
    init(_ classification: ClientClassification) {
        self.init(
            scores: classification.scores.map { WireLabelScore(label: $0.label, score: $0.score) },
            tokens: UInt32(clamping: classification.tokens),
            truncated: classification.truncated,
            windows: UInt32(clamping: classification.windows)
        )
    }
}
