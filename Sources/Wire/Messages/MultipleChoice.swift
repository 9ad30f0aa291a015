package import CWireMessages

package struct ChoiceInput: Sendable, Equatable {
    package var text: String
    package var choices: [String]

    package init(
        text: String = "",
        choices: [String] = []
    ) {
        self.text = text
        self.choices = choices
    }
}

extension ChoiceInput: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__ChoiceInput>) {
        inference__v1__choice_input__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__ChoiceInput, _ arena: inout EncodingArena) {
        structure.text = arena.text(text)
        (structure.n_choices, structure.choices) = arena.texts(choices)
    }

    package init(_ structure: Inference__V1__ChoiceInput) throws(WireError) {
        self.init(
            text: try decodeText(structure.text, "text"),
            choices: try decodeTexts(structure.n_choices, structure.choices, "choices")
        )
    }
}

package struct MultipleChoiceRequest: Sendable, Equatable {
    package var inputs: [ChoiceInput]
    /// Over the choices; the default is the softmax.
    package var functionToApply: FunctionToApply
    package var truncation: Truncation

    package init(
        inputs: [ChoiceInput] = [],
        functionToApply: FunctionToApply = .default,
        truncation: Truncation = .default
    ) {
        self.inputs = inputs
        self.functionToApply = functionToApply
        self.truncation = truncation
    }
}

extension MultipleChoiceRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__MultipleChoiceRequest>) {
        inference__v1__multiple_choice_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__MultipleChoiceRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        structure.function_to_apply = Inference__V1__FunctionToApply(rawValue: functionToApply.rawValue)
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
    }

    package init(_ structure: Inference__V1__MultipleChoiceRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            functionToApply: try decodeEnum(structure.function_to_apply.rawValue, "function_to_apply"),
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation")
        )
    }
}

package struct ChoiceScores: Sendable, Equatable {
    /// One a choice, in the order of the request.
    package var scores: [Float]
    package var tokens: UInt32
    package var truncated: Bool

    package init(
        scores: [Float] = [],
        tokens: UInt32 = 0,
        truncated: Bool = false
    ) {
        self.scores = scores
        self.tokens = tokens
        self.truncated = truncated
    }
}

extension ChoiceScores: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__ChoiceScores>) {
        inference__v1__choice_scores__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__ChoiceScores, _ arena: inout EncodingArena) {
        (structure.n_scores, structure.scores) = arena.numbers(scores)
        structure.tokens = tokens
        structure.truncated = truncated ? 1 : 0
    }

    package init(_ structure: Inference__V1__ChoiceScores) throws(WireError) {
        self.init(
            scores: decodeNumbers(structure.n_scores, structure.scores),
            tokens: structure.tokens,
            truncated: structure.truncated != 0
        )
    }
}

package struct MultipleChoiceResponse: Sendable, Equatable {
    /// One an input, in order.
    package var results: [ChoiceScores]

    package init(results: [ChoiceScores] = []) {
        self.results = results
    }
}

extension MultipleChoiceResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__MultipleChoiceResponse>) {
        inference__v1__multiple_choice_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__MultipleChoiceResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__MultipleChoiceResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
