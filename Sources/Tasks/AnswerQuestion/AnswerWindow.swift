import Tokenization

/// A question with one window of its context.
struct AnswerWindow {
    let encoding: Encoding
    /// The tokens that may be part of an answer, ascending: the first, which stands for no answer, the context's, and, as
    /// the pipeline has it, every token that is `[CLS]`, wherever it stands.
    let rows: [Int]
    /// Where the context's tokens lie.
    private let context: Range<Int>

    /// - Parameter questionTokens: the tokens of the question, which no window cuts.
    init(_ encoding: Encoding, questionTokens: Int, classID: Int32) {
        self.encoding = encoding
        let tokens = encoding.special.indices.filter { !encoding.special[$0] }.dropFirst(questionTokens)
        let context = tokens.first.map { $0..<$0 + tokens.count } ?? 0..<0
        self.context = context
        rows = encoding.ids.indices.filter { $0 == 0 || context.contains($0) || encoding.ids[$0] == classID }
    }

    /// The scalars of the context from one token to another: of the words that they belong to, as far as the window has
    /// them, or of the tokens alone.
    func scalars(from first: Int, to last: Int, aligned: Bool) -> (start: Int, end: Int) {
        if aligned, let start = word(encoding.wordIDs[first])?.start, let end = word(encoding.wordIDs[last])?.end {
            return (start, end)
        }
        return (Int(encoding.offsets[first].start), Int(encoding.offsets[last].end))
    }

    /// Where a word of the context lies.
    private func word(_ id: Int32) -> (start: Int, end: Int)? {
        guard id >= 0, let first = context.first(where: { encoding.wordIDs[$0] == id }),
            let last = context.last(where: { encoding.wordIDs[$0] == id })
        else { return nil }
        return (Int(encoding.offsets[first].start), Int(encoding.offsets[last].end))
    }
}
