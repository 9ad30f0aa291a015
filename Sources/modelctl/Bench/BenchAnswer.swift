package import ModelClient

/// What a bench reads of an answer: where the time went, and enough to tell whether another answer is the same.
package struct BenchAnswer: Sendable {
    /// The labels of the values, best first; empty for a vector.
    package var labels: [String]
    /// The labels' scores, or the vector.
    package var values: [Float]
    /// How many tokens the text had.
    package var tokens: Int
    /// Who answered, and where the time went; never compared.
    package var metadata: ResponseMetadata

    package init(labels: [String] = [], values: [Float], tokens: Int, metadata: ResponseMetadata = ResponseMetadata()) {
        self.labels = labels
        self.values = values
        self.tokens = tokens
        self.metadata = metadata
    }

    /// What differs from an earlier answer to the same text, for people; nil when they are the same, bit for bit.
    package func difference(from quiet: BenchAnswer) -> String? {
        func change(_ what: String, _ now: some Any, _ before: some Any) -> String {
            let others = metadata.model == quiet.metadata.model ? "" : " by \(quiet.metadata.model)"
            return "\(what) is \(now), was \(before)\(others)"
        }
        if tokens != quiet.tokens { return change("the number of tokens", tokens, quiet.tokens) }
        guard values.count == quiet.values.count else {
            return change("the number of values", values.count, quiet.values.count)
        }
        if labels != quiet.labels { return change("the order of labels", labels, quiet.labels) }
        for index in values.indices where values[index].bitPattern != quiet.values[index].bitPattern {
            let name = labels.isEmpty ? "value \(index + 1) of \(values.count)" : "the score of \(labels[index])"
            return change(name, values[index], quiet.values[index])
        }
        return nil
    }
}
