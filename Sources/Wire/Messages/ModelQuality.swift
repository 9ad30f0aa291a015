package import CWireMessages

/// How the answers of a variant compare with those of fp32, on calibration texts, when it was packed.
package struct ModelQuality: Sendable, Equatable {
    package var texts: UInt32
    /// Of the embeddings of the variant and of fp32.
    package var meanCosine: Double
    package var leastCosine: Double
    /// 0: the model has no head.
    package var predictions: UInt32
    /// The share of the predictions whose best label is the same.
    package var agreement: Double
    /// Of any probability.
    package var largestScoreChange: Double
    /// Weights kept in bf16, as they lost too much: `layer.5.output`.
    package var exceptions: [String]
    /// What it was measured with.
    package var instructionSet: String

    package init(
        texts: UInt32 = 0,
        meanCosine: Double = 0,
        leastCosine: Double = 0,
        predictions: UInt32 = 0,
        agreement: Double = 0,
        largestScoreChange: Double = 0,
        exceptions: [String] = [],
        instructionSet: String = ""
    ) {
        self.texts = texts
        self.meanCosine = meanCosine
        self.leastCosine = leastCosine
        self.predictions = predictions
        self.agreement = agreement
        self.largestScoreChange = largestScoreChange
        self.exceptions = exceptions
        self.instructionSet = instructionSet
    }
}

extension ModelQuality: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__ModelQuality>) {
        control__v1__model_quality__init(structure)
    }

    package func fill(_ structure: inout Control__V1__ModelQuality, _ arena: inout EncodingArena) {
        structure.texts = texts
        structure.mean_cosine = meanCosine
        structure.least_cosine = leastCosine
        structure.predictions = predictions
        structure.agreement = agreement
        structure.largest_score_change = largestScoreChange
        (structure.n_exceptions, structure.exceptions) = arena.texts(exceptions)
        structure.instruction_set = arena.text(instructionSet)
    }

    package init(_ structure: Control__V1__ModelQuality) throws(WireError) {
        self.init(
            texts: structure.texts,
            meanCosine: structure.mean_cosine,
            leastCosine: structure.least_cosine,
            predictions: structure.predictions,
            agreement: structure.agreement,
            largestScoreChange: structure.largest_score_change,
            exceptions: try decodeTexts(structure.n_exceptions, structure.exceptions, "exceptions"),
            instructionSet: try decodeText(structure.instruction_set, "instruction_set")
        )
    }
}
