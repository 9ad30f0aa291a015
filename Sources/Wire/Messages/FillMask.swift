package import CWireMessages

package struct FillMaskRequest: Sendable, Equatable {
    /// Each with one or more `[MASK]`, as the model's tokenizer spells it.
    package var texts: [String]
    /// 0: 5.
    package var topK: UInt32
    /// Only these words; of a word that the vocabulary lacks, its first piece.
    package var targets: [String]
    package var truncation: Truncation

    package init(
        texts: [String] = [],
        topK: UInt32 = 0,
        targets: [String] = [],
        truncation: Truncation = .default
    ) {
        self.texts = texts
        self.topK = topK
        self.targets = targets
        self.truncation = truncation
    }
}

extension FillMaskRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FillMaskRequest>) {
        inference__v1__fill_mask_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FillMaskRequest, _ arena: inout EncodingArena) {
        (structure.n_texts, structure.texts) = arena.texts(texts)
        structure.top_k = topK
        (structure.n_targets, structure.targets) = arena.texts(targets)
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
    }

    package init(_ structure: Inference__V1__FillMaskRequest) throws(WireError) {
        self.init(
            texts: try decodeTexts(structure.n_texts, structure.texts, "texts"),
            topK: structure.top_k,
            targets: try decodeTexts(structure.n_targets, structure.targets, "targets"),
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation")
        )
    }
}

package struct FilledToken: Sendable, Equatable {
    package var token: UInt32
    package var tokenStr: String
    package var score: Float
    /// The text with the mask replaced.
    package var sequence: String

    package init(
        token: UInt32 = 0,
        tokenStr: String = "",
        score: Float = 0,
        sequence: String = ""
    ) {
        self.token = token
        self.tokenStr = tokenStr
        self.score = score
        self.sequence = sequence
    }
}

extension FilledToken: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FilledToken>) {
        inference__v1__filled_token__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FilledToken, _ arena: inout EncodingArena) {
        structure.token = token
        structure.token_str = arena.text(tokenStr)
        structure.score = score
        structure.sequence = arena.text(sequence)
    }

    package init(_ structure: Inference__V1__FilledToken) throws(WireError) {
        self.init(
            token: structure.token,
            tokenStr: try decodeText(structure.token_str, "token_str"),
            score: structure.score,
            sequence: try decodeText(structure.sequence, "sequence")
        )
    }
}

/// What may stand in the place of one mask. Offsets count Unicode scalars.
package struct FilledMask: Sendable, Equatable {
    /// Best first.
    package var tokens: [FilledToken]
    package var start: UInt32
    package var end: UInt32

    package init(
        tokens: [FilledToken] = [],
        start: UInt32 = 0,
        end: UInt32 = 0
    ) {
        self.tokens = tokens
        self.start = start
        self.end = end
    }
}

extension FilledMask: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FilledMask>) {
        inference__v1__filled_mask__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FilledMask, _ arena: inout EncodingArena) {
        (structure.n_tokens, structure.tokens) = arena.messages(tokens)
        structure.start = start
        structure.end = end
    }

    package init(_ structure: Inference__V1__FilledMask) throws(WireError) {
        self.init(
            tokens: try decodeMessages(structure.n_tokens, structure.tokens, "tokens"),
            start: structure.start,
            end: structure.end
        )
    }
}

package struct FilledText: Sendable, Equatable {
    /// In the order of the text.
    package var masks: [FilledMask]
    package var tokens: UInt32
    package var truncated: Bool
    /// Targets that the vocabulary lacks.
    package var warnings: [String]

    package init(
        masks: [FilledMask] = [],
        tokens: UInt32 = 0,
        truncated: Bool = false,
        warnings: [String] = []
    ) {
        self.masks = masks
        self.tokens = tokens
        self.truncated = truncated
        self.warnings = warnings
    }
}

extension FilledText: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FilledText>) {
        inference__v1__filled_text__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FilledText, _ arena: inout EncodingArena) {
        (structure.n_masks, structure.masks) = arena.messages(masks)
        structure.tokens = tokens
        structure.truncated = truncated ? 1 : 0
        (structure.n_warnings, structure.warnings) = arena.texts(warnings)
    }

    package init(_ structure: Inference__V1__FilledText) throws(WireError) {
        self.init(
            masks: try decodeMessages(structure.n_masks, structure.masks, "masks"),
            tokens: structure.tokens,
            truncated: structure.truncated != 0,
            warnings: try decodeTexts(structure.n_warnings, structure.warnings, "warnings")
        )
    }
}

package struct FillMaskResponse: Sendable, Equatable {
    /// One a text, in order.
    package var results: [FilledText]

    package init(results: [FilledText] = []) {
        self.results = results
    }
}

extension FillMaskResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FillMaskResponse>) {
        inference__v1__fill_mask_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FillMaskResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__FillMaskResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
