package import CWireMessages

package enum FunctionToApply: UInt32, Sendable, CaseIterable {
    /// As the checkpoint's problem_type says.
    case `default` = 0
    case none = 1
    case sigmoid = 2
    case softmax = 3
}

package struct ClassifyRequest: Sendable, Equatable {
    package var inputs: [TextInput]
    /// 0: the best label only.
    package var topK: UInt32
    /// Every label, sorted; top_k is ignored.
    package var allLabels: Bool
    package var functionToApply: FunctionToApply
    package var truncation: Truncation
    /// With `Truncation.windows`.
    package var windowPooling: WindowPooling
    /// Tokens that neighbouring windows share; 0: a quarter of the model's.
    package var stride: UInt32

    package init(
        inputs: [TextInput] = [],
        topK: UInt32 = 0,
        allLabels: Bool = false,
        functionToApply: FunctionToApply = .default,
        truncation: Truncation = .default,
        windowPooling: WindowPooling = .mean,
        stride: UInt32 = 0
    ) {
        self.inputs = inputs
        self.topK = topK
        self.allLabels = allLabels
        self.functionToApply = functionToApply
        self.truncation = truncation
        self.windowPooling = windowPooling
        self.stride = stride
    }
}

extension ClassifyRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__ClassifyRequest>) {
        inference__v1__classify_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__ClassifyRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        structure.top_k = topK
        structure.all_labels = allLabels ? 1 : 0
        structure.function_to_apply = Inference__V1__FunctionToApply(rawValue: functionToApply.rawValue)
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
        structure.window_pooling = Inference__V1__WindowPooling(rawValue: windowPooling.rawValue)
        structure.stride = stride
    }

    package init(_ structure: Inference__V1__ClassifyRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            topK: structure.top_k,
            allLabels: structure.all_labels != 0,
            functionToApply: try decodeEnum(structure.function_to_apply.rawValue, "function_to_apply"),
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation"),
            windowPooling: try decodeEnum(structure.window_pooling.rawValue, "window_pooling"),
            stride: structure.stride
        )
    }
}

package struct LabelScore: Sendable, Equatable {
    package var label: String
    package var score: Float

    package init(
        label: String = "",
        score: Float = 0
    ) {
        self.label = label
        self.score = score
    }
}

extension LabelScore: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__LabelScore>) {
        inference__v1__label_score__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__LabelScore, _ arena: inout EncodingArena) {
        structure.label = arena.text(label)
        structure.score = score
    }

    package init(_ structure: Inference__V1__LabelScore) throws(WireError) {
        self.init(
            label: try decodeText(structure.label, "label"),
            score: structure.score
        )
    }
}

package struct Classification: Sendable, Equatable {
    /// Best first.
    package var scores: [LabelScore]
    package var tokens: UInt32
    package var truncated: Bool
    /// More than 1: the text was read in so many; 0 or 1: at once.
    package var windows: UInt32

    package init(
        scores: [LabelScore] = [],
        tokens: UInt32 = 0,
        truncated: Bool = false,
        windows: UInt32 = 0
    ) {
        self.scores = scores
        self.tokens = tokens
        self.truncated = truncated
        self.windows = windows
    }
}

extension Classification: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Classification>) {
        inference__v1__classification__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Classification, _ arena: inout EncodingArena) {
        (structure.n_scores, structure.scores) = arena.messages(scores)
        structure.tokens = tokens
        structure.truncated = truncated ? 1 : 0
        structure.windows = windows
    }

    package init(_ structure: Inference__V1__Classification) throws(WireError) {
        self.init(
            scores: try decodeMessages(structure.n_scores, structure.scores, "scores"),
            tokens: structure.tokens,
            truncated: structure.truncated != 0,
            windows: structure.windows
        )
    }
}

package struct ClassifyResponse: Sendable, Equatable {
    /// One an input, in order.
    package var results: [Classification]

    package init(results: [Classification] = []) {
        self.results = results
    }
}

extension ClassifyResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__ClassifyResponse>) {
        inference__v1__classify_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__ClassifyResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__ClassifyResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
