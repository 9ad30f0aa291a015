package import CWireMessages

/// A text, or a pair of texts for models that take two segments.
package struct TextInput: Sendable, Equatable {
    /// UTF-8.
    package var text: String
    /// UTF-8, used when `has_pair`.
    package var textPair: String
    package var hasPair: Bool

    package init(
        text: String = "",
        textPair: String = "",
        hasPair: Bool = false
    ) {
        self.text = text
        self.textPair = textPair
        self.hasPair = hasPair
    }
}

extension TextInput: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__TextInput>) {
        inference__v1__text_input__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__TextInput, _ arena: inout EncodingArena) {
        structure.text = arena.text(text)
        structure.text_pair = arena.text(textPair)
        structure.has_pair = hasPair ? 1 : 0
    }

    package init(_ structure: Inference__V1__TextInput) throws(WireError) {
        self.init(
            text: try decodeText(structure.text, "text"),
            textPair: try decodeText(structure.text_pair, "text_pair"),
            hasPair: structure.has_pair != 0
        )
    }
}

/// What to do with a text that is longer than the model takes.
package enum Truncation: UInt32, Sendable, CaseIterable {
    /// Embed, zero-shot, rerank: truncate, as their libraries do; all else: error.
    case `default` = 0
    case error = 1
    case truncate = 2
    /// Classify, tag: the whole text in overlapping windows; elsewhere refused.
    case windows = 3
}

/// How the scores of a text's windows become one score a label.
package enum WindowPooling: UInt32, Sendable, CaseIterable {
    case mean = 0
    case max = 1
}
