import Messages
import Tokenization

/// Turns the pieces of a sequence into entities, step by step as `TokenClassificationPipeline` does.
struct EntityGrouping {
    /// One token of the text.
    struct Piece {
        let word: String
        /// Probability of each label.
        let scores: [Float]
        let start: UInt32
        let end: UInt32
        let index: UInt32
        /// It continues a word, as far as the pipeline can tell: the token is not as long as what it stands for.
        let isSubword: Bool
    }

    let labels: [String]
    let tokenizer: Tokenizer
    let aggregation: AggregationStrategy

    func entities(_ pieces: [Piece]) -> [Entity] {
        switch aggregation {
        case .none: pieces.map(tagged)
        case .simple: grouped(pieces.map(tagged))
        case .first, .average, .max: grouped(words(pieces))
        }
    }

    private func tagged(_ piece: Piece) -> Entity {
        let best = piece.scores.argmax ?? 0
        return Entity(
            label: labels[best],
            score: piece.scores[best],
            word: piece.word,
            start: piece.start,
            end: piece.end,
            index: piece.index
        )
    }

    // MARK: - Words

    private func words(_ pieces: [Piece]) -> [Entity] {
        var words: [Entity] = []
        var start = 0
        for end in pieces.indices.map({ $0 + 1 }) where end == pieces.count || !pieces[end].isSubword {
            words.append(word(pieces[start..<end]))
            start = end
        }
        return words
    }

    private func word(_ pieces: ArraySlice<Piece>) -> Entity {
        let scores: [Float]
        switch aggregation {
        case .max:
            // the first of equally certain pieces
            let certainty = pieces.map { $0.scores.max() ?? 0 }
            scores = pieces[pieces.startIndex + (certainty.argmax ?? 0)].scores
        case .average:
            let sums = pieces.dropFirst().reduce(pieces.first?.scores ?? []) { zip($0, $1.scores).map { $0 + $1 } }
            scores = sums.map { $0 / Float(pieces.count) }
        case .none, .simple, .first: scores = pieces.first?.scores ?? []
        }
        let best = scores.argmax ?? 0
        return Entity(
            label: labels[best],
            score: scores[best],
            word: tokenizer.text(ofTokens: pieces.map(\.word)),
            start: pieces.first?.start ?? 0,
            end: pieces.last?.end ?? 0,
            index: 0
        )
    }

    // MARK: - Groups

    /// Neighbours of one tag, unless the latter begins an entity.
    private func grouped(_ entities: [Entity]) -> [Entity] {
        var groups: [Entity] = []
        var start = 0
        for end in entities.indices.map({ $0 + 1 }) {
            if end < entities.count {
                let (last, next) = (Tag(entities[end - 1].label), Tag(entities[end].label))
                if !next.begins, last.name.utf8.elementsEqual(next.name.utf8) { continue }
            }
            groups.append(group(entities[start..<end]))
            start = end
        }
        return groups
    }

    private func group(_ entities: ArraySlice<Entity>) -> Entity {
        let label = entities.first?.label ?? ""
        return Entity(
            label: label.firstIndex(of: "-").map { String(label[label.index(after: $0)...]) } ?? label,
            score: entities.reduce(0) { $0 + $1.score } / Float(entities.count),
            word: tokenizer.text(ofTokens: entities.map(\.word)),
            start: entities.first?.start ?? 0,
            end: entities.last?.end ?? 0,
            index: 0
        )
    }

    /// A label's prefix and the rest. One without a prefix counts as inside.
    private struct Tag {
        let begins: Bool
        let name: Substring

        init(_ label: String) {
            begins = label.hasPrefix("B-")
            name = begins || label.hasPrefix("I-") ? label.dropFirst(2) : label[...]
        }
    }
}
