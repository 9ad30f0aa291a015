package import CWireMessages

package struct ZeroShotRequest: Sendable, Equatable {
    package var texts: [String]
    package var labels: [String]
    /// With `{}` where the label goes; empty: `This example is {}.`
    package var hypothesisTemplate: String
    /// Each label by itself.
    package var multiLabel: Bool
    /// Of the text, never of the hypothesis.
    package var truncation: Truncation

    package init(
        texts: [String] = [],
        labels: [String] = [],
        hypothesisTemplate: String = "",
        multiLabel: Bool = false,
        truncation: Truncation = .default
    ) {
        self.texts = texts
        self.labels = labels
        self.hypothesisTemplate = hypothesisTemplate
        self.multiLabel = multiLabel
        self.truncation = truncation
    }
}

extension ZeroShotRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__ZeroShotRequest>) {
        inference__v1__zero_shot_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__ZeroShotRequest, _ arena: inout EncodingArena) {
        (structure.n_texts, structure.texts) = arena.texts(texts)
        (structure.n_labels, structure.labels) = arena.texts(labels)
        structure.hypothesis_template = arena.text(hypothesisTemplate)
        structure.multi_label = multiLabel ? 1 : 0
        structure.truncation = Inference__V1__Truncation(rawValue: truncation.rawValue)
    }

    package init(_ structure: Inference__V1__ZeroShotRequest) throws(WireError) {
        self.init(
            texts: try decodeTexts(structure.n_texts, structure.texts, "texts"),
            labels: try decodeTexts(structure.n_labels, structure.labels, "labels"),
            hypothesisTemplate: try decodeText(structure.hypothesis_template, "hypothesis_template"),
            multiLabel: structure.multi_label != 0,
            truncation: try decodeEnum(structure.truncation.rawValue, "truncation")
        )
    }
}

package struct ZeroShotResponse: Sendable, Equatable {
    /// One a text, in order.
    package var results: [Classification]

    package init(results: [Classification] = []) {
        self.results = results
    }
}

extension ZeroShotResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__ZeroShotResponse>) {
        inference__v1__zero_shot_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__ZeroShotResponse, _ arena: inout EncodingArena) {
        (structure.n_results, structure.results) = arena.messages(results)
    }

    package init(_ structure: Inference__V1__ZeroShotResponse) throws(WireError) {
        self.init(results: try decodeMessages(structure.n_results, structure.results, "results"))
    }
}
