package import CWireMessages

package struct TokenizeRequest: Sendable, Equatable {
    package var inputs: [TextInput]
    package var withoutSpecialTokens: Bool
    package var truncation: Truncation

    package init(
        inputs: [TextInput] = [],
        withoutSpecialTokens: Bool = false,
        truncation: Truncation = .default
    ) {
        self.inputs = inputs
        self.withoutSpecialTokens = withoutSpecialTokens
        self.truncation = truncation
    }
}

extension TokenizeRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__TokenizeRequest>) {
        inference__v1__tokenize_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__TokenizeRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        structure.without_special_tokens = withoutSpecialTokens ? 1 : 0
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
    }

    package init(_ structure: Inference__V1__TokenizeRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            withoutSpecialTokens: structure.without_special_tokens != 0,
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation")
        )
    }
}

/// One encoded text. All lists have one entry a token; offsets count Unicode scalars of the text (or of the pair).
package struct Encoding: Sendable, Equatable {
    package var ids: [UInt32]
    package var typeIDs: [UInt32]
    package var starts: [UInt32]
    package var ends: [UInt32]
    package var special: [Bool]
    /// -1: none.
    package var wordIDs: [Int32]
    package var tokens: [String]
    package var truncated: Bool

    package init(
        ids: [UInt32] = [],
        typeIDs: [UInt32] = [],
        starts: [UInt32] = [],
        ends: [UInt32] = [],
        special: [Bool] = [],
        wordIDs: [Int32] = [],
        tokens: [String] = [],
        truncated: Bool = false
    ) {
        self.ids = ids
        self.typeIDs = typeIDs
        self.starts = starts
        self.ends = ends
        self.special = special
        self.wordIDs = wordIDs
        self.tokens = tokens
        self.truncated = truncated
    }
}

extension Encoding: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Encoding>) {
        inference__v1__encoding__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Encoding, _ arena: inout EncodingArena) {
        (structure.n_ids, structure.ids) = arena.numbers(ids)
        (structure.n_type_ids, structure.type_ids) = arena.numbers(typeIDs)
        (structure.n_starts, structure.starts) = arena.numbers(starts)
        (structure.n_ends, structure.ends) = arena.numbers(ends)
        (structure.n_special, structure.special) = arena.flags(special)
        (structure.n_word_ids, structure.word_ids) = arena.numbers(wordIDs)
        (structure.n_tokens, structure.tokens) = arena.texts(tokens)
        structure.truncated = truncated ? 1 : 0
    }

    package init(_ structure: Inference__V1__Encoding) throws(WireError) {
        self.init(
            ids: decodeNumbers(structure.n_ids, structure.ids),
            typeIDs: decodeNumbers(structure.n_type_ids, structure.type_ids),
            starts: decodeNumbers(structure.n_starts, structure.starts),
            ends: decodeNumbers(structure.n_ends, structure.ends),
            special: decodeFlags(structure.n_special, structure.special),
            wordIDs: decodeNumbers(structure.n_word_ids, structure.word_ids),
            tokens: try decodeTexts(structure.n_tokens, structure.tokens, "tokens"),
            truncated: structure.truncated != 0
        )
    }
}

package struct TokenizeResponse: Sendable, Equatable {
    package var results: [Encoding]

    package init(results: [Encoding] = []) {
        self.results = results
    }
}

extension TokenizeResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__TokenizeResponse>) {
        inference__v1__tokenize_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__TokenizeResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__TokenizeResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
