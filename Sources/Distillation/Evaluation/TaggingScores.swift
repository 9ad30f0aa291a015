/// A run of words of one type.
package struct EntitySpan: Sendable, Hashable {
    package let type: String
    /// Places of words.
    package let words: Range<Int>

    package init(type: String, words: Range<Int>) {
        self.type = type
        self.words = words
    }

    /// The entities that the tags of a sentence's words spell, as seqeval 1.2 finds them when it is not strict: `B-`,
    /// `I-`, `E-` and `S-`, also where they break the scheme's rules: an `I-` that nothing precedes begins an entity,
    /// and one of another type begins the next.
    package static func find(in tags: [String]) -> [EntitySpan] {
        var spans: [EntitySpan] = []
        var (previous, previousType) = (Character("O"), "")
        var begin = 0
        for (place, tag) in (tags + ["O"]).enumerated() {
            let prefix = tag.first ?? "O"
            let type = typeName(of: tag)
            if ends(previous, previousType, before: prefix, type) {
                spans.append(EntitySpan(type: previousType, words: begin..<place))
            }
            if starts(prefix, type, after: previous, previousType) { begin = place }
            (previous, previousType) = (prefix, type)
        }
        return spans
    }

    /// What stands behind the first hyphen, or all but the prefix where there is none.
    private static func typeName(of tag: String) -> String {
        let rest = tag.dropFirst()
        let type = rest.firstIndex(of: "-").map { rest[rest.index(after: $0)...] } ?? rest
        return type.isEmpty ? "_" : String(type)
    }

    private static func isOutside(_ prefix: Character) -> Bool { prefix == "O" || prefix == "." }

    private static func ends(_ prefix: Character, _ type: String, before next: Character, _ nextType: String) -> Bool {
        switch prefix {
        case "E", "S": return true
        case "B", "I":
            if next == "B" || next == "S" || next == "O" { return true }
        default: break
        }
        return !isOutside(prefix) && type != nextType
    }

    private static func starts(_ prefix: Character, _ type: String, after last: Character, _ lastType: String) -> Bool {
        switch prefix {
        case "B", "S": return true
        case "E", "I":
            if last == "E" || last == "S" || last == "O" { return true }
        default: break
        }
        return !isOutside(prefix) && type != lastType
    }
}

/// How well the words of sentences were tagged.
package struct TaggingScores: Sendable, Equatable {
    private var words = 0
    private var rightWords = 0
    private var right = 0
    private var gold = 0
    private var predicted = 0

    init() {}

    /// - Parameters:
    ///   - gold: of each sentence the tag of each word.
    ///   - predicted: as many, by the model.
    package init(gold: [[String]], predicted: [[String]]) {
        precondition(gold.count == predicted.count, "one prediction per sentence")
        for (gold, predicted) in zip(gold, predicted) { add(TaggingScores(gold, predicted), times: 1) }
    }

    /// Of one sentence.
    init(_ gold: [String], _ predicted: [String]) {
        precondition(gold.count == predicted.count, "one tag per word")
        words = gold.count
        rightWords = zip(gold, predicted).count { $0 == $1 }
        let (wanted, found) = (Set(EntitySpan.find(in: gold)), Set(EntitySpan.find(in: predicted)))
        right = wanted.intersection(found).count
        self.gold = wanted.count
        self.predicted = found.count
    }

    mutating func add(_ sentence: TaggingScores, times: Int) {
        words += sentence.words * times
        rightWords += sentence.rightWords * times
        right += sentence.right * times
        gold += sentence.gold * times
        predicted += sentence.predicted * times
    }

    /// The share of words whose tag is right.
    package var tokenAccuracy: Double { Double(rightWords) / Double(words) }

    /// The share of entities that were found, whole and of the right type, that are ones; 0 where none was found.
    package var precision: Double { predicted == 0 ? 0 : Double(right) / Double(predicted) }

    /// The share of entities that were found; 0 where there are none.
    package var recall: Double { gold == 0 ? 0 : Double(right) / Double(gold) }

    /// F1 of whole entities, all types together: seqeval's default.
    package var f1: Double { ConfusionMatrix.f1(right: right, gold: gold, predicted: predicted) }
}
