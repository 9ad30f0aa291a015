/// The most likely answers of one window.
struct SpanScores {
    struct Span: Equatable {
        /// Places of tokens, both included.
        let first, last: Int
        /// The probability that the answer begins at `first`, times that it ends at `last`.
        let score: Float
    }

    /// Best first; of equal scores the one that begins, or else ends, earlier. Spans of score 0 are no answers.
    let spans: [Span]
    /// The score of "no answer": beginning and end at the first token.
    let nullScore: Float

    /// - Parameters:
    ///   - rows: the tokens that may be part of an answer, ascending; token 0 is among them and means "no answer".
    ///   - starts: of each of those, the logit of an answer's beginning.
    ///   - ends: and of its end.
    ///   - longest: the most tokens of an answer.
    ///   - count: the spans to find.
    init(rows: [Int], starts: [Float], ends: [Float], longest: Int, count: Int) {
        // Other tokens have logits of −10000 in the pipeline: e⁻¹⁰⁰⁰⁰ = 0.
        var start = softmax(starts)
        var end = softmax(ends)
        nullScore = rows.first == 0 ? start[0] * end[0] : 0
        if rows.first == 0 {
            start[0] = 0
            end[0] = 0
        }
        var best: [Span] = []
        for first in rows.indices where start[first] > 0 {
            for last in first..<rows.count {
                guard rows[last] - rows[first] < longest else { break }
                let score = start[first] * end[last]
                guard score > 0, best.count < count || score > best[best.count - 1].score else { continue }
                if best.count == count { best.removeLast() }
                // behind those of the same score, which came earlier
                let place = best.firstIndex { $0.score < score } ?? best.count
                best.insert(Span(first: rows[first], last: rows[last], score: score), at: place)
            }
        }
        spans = best
    }
}
