package import CWireMessages

package enum Pooling: UInt32, Sendable, CaseIterable {
    /// The folder's sentence-transformers modules, else mean.
    case `default` = 0
    case mean = 1
    case cls = 2
    case max = 3
}

package enum Normalization: UInt32, Sendable, CaseIterable {
    /// As the folder's modules say, else none.
    case `default` = 0
    case none = 1
    case l2 = 2
}

package struct EmbedRequest: Sendable, Equatable {
    package var inputs: [TextInput]
    package var pooling: Pooling
    package var normalization: Normalization
    /// 0: all dimensions.
    package var truncateDim: UInt32
    package var truncation: Truncation
    /// One of the folder's prompts; empty: its default one, if any.
    package var promptName: String
    /// Put before each text when `has_prompt`; then `prompt_name` is empty.
    package var prompt: String
    package var hasPrompt: Bool

    package init(
        inputs: [TextInput] = [],
        pooling: Pooling = .default,
        normalization: Normalization = .default,
        truncateDim: UInt32 = 0,
        truncation: Truncation = .default,
        promptName: String = "",
        prompt: String = "",
        hasPrompt: Bool = false
    ) {
        self.inputs = inputs
        self.pooling = pooling
        self.normalization = normalization
        self.truncateDim = truncateDim
        self.truncation = truncation
        self.promptName = promptName
        self.prompt = prompt
        self.hasPrompt = hasPrompt
    }
}

extension EmbedRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__EmbedRequest>) {
        inference__v1__embed_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__EmbedRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        structure.pooling = Inference__V1__Pooling(rawValue: pooling.rawValue)
        structure.normalization = Inference__V1__Normalization(rawValue: normalization.rawValue)
        structure.truncate_dim = truncateDim
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
        structure.prompt_name = arena.text(promptName)
        structure.prompt = arena.text(prompt)
        structure.has_prompt = hasPrompt ? 1 : 0
    }

    package init(_ structure: Inference__V1__EmbedRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            pooling: try decodeEnum(structure.pooling.rawValue, "pooling"),
            normalization: try decodeEnum(structure.normalization.rawValue, "normalization"),
            truncateDim: structure.truncate_dim,
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation"),
            promptName: try decodeText(structure.prompt_name, "prompt_name"),
            prompt: try decodeText(structure.prompt, "prompt"),
            hasPrompt: structure.has_prompt != 0
        )
    }
}

package struct Embedding: Sendable, Equatable {
    package var values: [Float]
    package var tokens: UInt32
    package var truncated: Bool

    package init(
        values: [Float] = [],
        tokens: UInt32 = 0,
        truncated: Bool = false
    ) {
        self.values = values
        self.tokens = tokens
        self.truncated = truncated
    }
}

extension Embedding: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Embedding>) {
        inference__v1__embedding__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Embedding, _ arena: inout EncodingArena) {
        (structure.n_values, structure.values) = arena.numbers(values)
        structure.tokens = tokens
        structure.truncated = truncated ? 1 : 0
    }

    package init(_ structure: Inference__V1__Embedding) throws(WireError) {
        self.init(
            values: decodeNumbers(structure.n_values, structure.values),
            tokens: structure.tokens,
            truncated: structure.truncated != 0
        )
    }
}

package struct EmbedResponse: Sendable, Equatable {
    package var results: [Embedding]

    package init(results: [Embedding] = []) {
        self.results = results
    }
}

extension EmbedResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__EmbedResponse>) {
        inference__v1__embed_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__EmbedResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__EmbedResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
