package import CWireMessages

package struct RerankRequest: Sendable, Equatable {
    package var query: String
    package var texts: [String]
    /// The default is the sigmoid.
    package var functionToApply: FunctionToApply
    package var truncation: Truncation

    package init(
        query: String = "",
        texts: [String] = [],
        functionToApply: FunctionToApply = .default,
        truncation: Truncation = .default
    ) {
        self.query = query
        self.texts = texts
        self.functionToApply = functionToApply
        self.truncation = truncation
    }
}

extension RerankRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__RerankRequest>) {
        inference__v1__rerank_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__RerankRequest, _ arena: inout EncodingArena) {
        structure.query = arena.text(query)
        (structure.n_texts, structure.texts) = arena.texts(texts)
        structure.function_to_apply = Inference__V1__FunctionToApply(rawValue: functionToApply.rawValue)
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
    }

    package init(_ structure: Inference__V1__RerankRequest) throws(WireError) {
        self.init(
            query: try decodeText(structure.query, "query"),
            texts: try decodeTexts(structure.n_texts, structure.texts, "texts"),
            functionToApply: try decodeEnum(structure.function_to_apply.rawValue, "function_to_apply"),
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation")
        )
    }
}

package struct Relevance: Sendable, Equatable {
    package var score: Float
    package var tokens: UInt32
    package var truncated: Bool

    package init(
        score: Float = 0,
        tokens: UInt32 = 0,
        truncated: Bool = false
    ) {
        self.score = score
        self.tokens = tokens
        self.truncated = truncated
    }
}

extension Relevance: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Relevance>) {
        inference__v1__relevance__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Relevance, _ arena: inout EncodingArena) {
        structure.score = score
        structure.tokens = tokens
        structure.truncated = truncated ? 1 : 0
    }

    package init(_ structure: Inference__V1__Relevance) throws(WireError) {
        self.init(
            score: structure.score,
            tokens: structure.tokens,
            truncated: structure.truncated != 0
        )
    }
}

package struct RerankResponse: Sendable, Equatable {
    /// One a text, in the order of the request.
    package var results: [Relevance]

    package init(results: [Relevance] = []) {
        self.results = results
    }
}

extension RerankResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__RerankResponse>) {
        inference__v1__rerank_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__RerankResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__RerankResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
