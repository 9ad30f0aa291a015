/// The most that one request may make. A short one can ask for much: each text with each label, a window for each token.
package struct WorkLimits: Sendable {
    /// Of all sequences together, special tokens included.
    package var tokens: Int
    package var sequences: Int

    package init(tokens: Int = .max, sequences: Int = .max) { (self.tokens, self.sequences) = (tokens, sequences) }
}

/// Counts what a request that is being prepared makes, refuses it before that is too much, and asks whether to go on.
struct WorkMeter {
    private let limits: WorkLimits
    private let proceed: () -> Bool
    private var (tokens, sequences) = (0, 0)

    init(_ limits: WorkLimits = WorkLimits(), proceed: @escaping () -> Bool = { true }) {
        (self.limits, self.proceed) = (limits, proceed)
    }

    /// Looks at how many sequences a request is going to make, before it makes the first.
    ///
    /// - Parameters:
    ///   - count: how many there are of `field`.
    ///   - each: the sequences that each of them makes.
    func expect(_ count: Int, of each: Int = 1, _ field: String) throws(TaskError) {
        guard count * each > limits.sequences else { return }
        let made = each == 1 ? "there are \(count)" : "\(count) of \(each) sequences each are \(count * each)"
        throw .invalid(
            field,
            "\(made), and \(limits.sequences) is the most (max_request_sequences); send fewer at once"
        )
    }

    /// Counts tokens that were made, or windows that are about to be. `field` is the text's name in messages.
    mutating func add(sequences: Int = 0, tokens: Int, _ field: String) throws(TaskError) {
        guard proceed() else { throw TaskError(.abandoned, "nobody waits for the answer any more") }
        self.sequences += sequences
        self.tokens += tokens
        try check(self.sequences, limits.sequences, "windows", "max_request_sequences", field)
        try check(self.tokens, limits.tokens, "tokens", "max_request_tokens", field)
    }

    private func check(
        _ count: Int,
        _ most: Int,
        _ unit: String,
        _ setting: String,
        _ field: String
    ) throws(TaskError) {
        guard count > most else { return }
        throw .invalid(
            field,
            "with it the request has \(count) \(unit), and \(most) is the most (\(setting)); send fewer or shorter texts"
        )
    }
}
