package import CWireMessages

package struct FeaturesRequest: Sendable, Equatable {
    package var inputs: [TextInput]
    package var truncation: Truncation

    package init(
        inputs: [TextInput] = [],
        truncation: Truncation = .default
    ) {
        self.inputs = inputs
        self.truncation = truncation
    }
}

extension FeaturesRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FeaturesRequest>) {
        inference__v1__features_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FeaturesRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
    }

    package init(_ structure: Inference__V1__FeaturesRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation")
        )
    }
}

/// The last hidden state of one text: `tokens` rows of `hidden` values, special tokens included.
package struct Features: Sendable, Equatable {
    package var tokens: UInt32
    package var hidden: UInt32
    package var values: [Float]
    package var truncated: Bool

    package init(
        tokens: UInt32 = 0,
        hidden: UInt32 = 0,
        values: [Float] = [],
        truncated: Bool = false
    ) {
        self.tokens = tokens
        self.hidden = hidden
        self.values = values
        self.truncated = truncated
    }
}

extension Features: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Features>) {
        inference__v1__features__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Features, _ arena: inout EncodingArena) {
        structure.tokens = tokens
        structure.hidden = hidden
        (structure.n_values, structure.values) = arena.numbers(values)
        structure.truncated = truncated ? 1 : 0
    }

    package init(_ structure: Inference__V1__Features) throws(WireError) {
        self.init(
            tokens: structure.tokens,
            hidden: structure.hidden,
            values: decodeNumbers(structure.n_values, structure.values),
            truncated: structure.truncated != 0
        )
    }
}

package struct FeaturesResponse: Sendable, Equatable {
    package var results: [Features]

    package init(results: [Features] = []) {
        self.results = results
    }
}

extension FeaturesResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__FeaturesResponse>) {
        inference__v1__features_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__FeaturesResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__FeaturesResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
