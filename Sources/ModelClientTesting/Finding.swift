import Messages
import ModelClient
import struct ModelClient.Classification
import struct ModelClient.TextInput

extension FakeModelServer {
    /// As many tokens as a text has words, and two special ones.
    static func tokens(_ text: String) -> UInt32 {
        UInt32(clamping: text.split(whereSeparator: \.isWhitespace).count + 2)
    }

    /// Where a part first stands in a text, from an index on.
    ///
    /// - Throws: `ModelClientError` when it does not.
    static func find(_ part: String, in text: String, from start: String.Index) throws -> Range<String.Index> {
        if !part.isEmpty, let range = text[start...].firstRange(of: part) { return range }
        throw ModelClientError(code: .internal, message: "the fake's answer '\(part)' is no part of '\(text)'")
    }

    /// A range counted in Unicode scalars.
    static func offsets(_ range: Range<String.Index>, in text: String) -> (start: UInt32, end: UInt32) {
        let start = text.unicodeScalars[..<range.lowerBound].count
        let length = text.unicodeScalars[range].count
        return (UInt32(clamping: start), UInt32(clamping: start + length))
    }
}

extension TextInput {
    init(_ message: Messages.TextInput) {
        self.init(message.text, pair: message.hasPair ? message.textPair : nil)
    }
}

extension Messages.Classification {
    init(_ classification: Classification) {
        self.init(
            scores: classification.scores.map { Messages.LabelScore(label: $0.label, score: $0.score) },
            tokens: UInt32(clamping: classification.tokens),
            truncated: classification.truncated,
            windows: UInt32(clamping: classification.windows)
        )
    }
}
