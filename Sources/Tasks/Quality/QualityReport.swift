/// How the answers of a variant compare with those of fp32.
package struct QualityReport: Sendable, Equatable {
    /// How many texts were compared.
    package var texts = 0
    /// Of the embeddings of each text; see `SentenceEmbedder`.
    package var meanCosine = 1.0
    package var leastCosine = 1.0
    /// Rows of logits that were compared: one per text, or one per token. 0: the model has no head.
    package var predictions = 0
    /// The share of the predictions whose best label is the same.
    package var agreement = 1.0
    /// Of any probability (the softmax of a row, the sigmoid of a single logit).
    package var largestScoreChange = 0.0

    package init() {}
}

/// What a variant has to keep, or it is not served.
package struct QualityFloor: Sendable, Equatable {
    /// The least mean cosine.
    package var meanCosine: Double
    /// The least agreement.
    package var agreement: Double

    package init(meanCosine: Double, agreement: Double) {
        self.meanCosine = meanCosine
        self.agreement = agreement
    }

    package func accepts(_ report: QualityReport) -> Bool {
        report.meanCosine >= meanCosine && report.agreement >= agreement
    }
}
