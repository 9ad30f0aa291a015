import Tasks

/// How well questions were answered, as SQuAD's own scripts count it (`evaluate-v1.1.py`, `evaluate-v2.0.py`).
package enum SquadScores {
    /// What a question's answer earns.
    package struct Score: Sendable, Equatable {
        /// 1 where it is one of the right answers, 0 elsewhere.
        package let exact: Double
        /// The best F1 of its words with those of a right answer.
        package let f1: Double
    }

    package enum Version: Sendable {
        /// Every question has an answer, and one without a word earns nothing.
        case one
        /// A question may have none: then the empty answer is right.
        case two
    }

    /// - Parameters:
    ///   - predicted: the model's answer; empty: it says that there is none.
    ///   - gold: the answers that count as right; none where the question has no answer.
    package static func score(_ predicted: String, gold: [String], version: Version) -> Score {
        let words = normalized(predicted)
        var answers = gold.map(normalized)
        if version == .two { answers.removeAll { $0.isEmpty } }
        if answers.isEmpty, version == .two || gold.isEmpty { answers = [[]] }
        return Score(
            exact: answers.contains(words) ? 1 : 0,
            f1: answers.map { f1(words, $0, version) }.max() ?? 0
        )
    }

    private static func f1(_ predicted: [String], _ gold: [String], _ version: Version) -> Double {
        if version == .two, predicted.isEmpty || gold.isEmpty { return predicted == gold ? 1 : 0 }
        var left: [String: Int] = [:]
        for word in gold { left[word, default: 0] += 1 }
        var same = 0
        for word in predicted where left[word, default: 0] > 0 {
            left[word, default: 0] -= 1
            same += 1
        }
        return ConfusionMatrix.f1(right: same, gold: gold.count, predicted: predicted.count)
    }

    /// The words of an answer: in lower case, without ASCII punctuation, articles and white space.
    static func normalized(_ text: String) -> [String] {
        let lowered = pythonLowercased(Array(text.unicodeScalars)[...]).filter { !isPunctuation($0) }
        var words: [String] = []
        var (word, run) = (String.UnicodeScalarView(), String.UnicodeScalarView())
        // An article is a run of letters and digits by itself, also within a word such as "—the—", which it then parts.
        func closeRun() {
            if articles.contains(where: { $0.unicodeScalars.elementsEqual(run) }) { closeWord() } else { word += run }
            run = String.UnicodeScalarView()
        }
        func closeWord() {
            if !word.isEmpty { words.append(String(word)) }
            word = String.UnicodeScalarView()
        }
        for scalar in lowered {
            if isOfWord(scalar) {
                run.append(scalar)
                continue
            }
            closeRun()
            if isSpace(scalar) { closeWord() } else { word.append(scalar) }
        }
        closeRun()
        closeWord()
        return words
    }

    private static let articles = ["a", "an", "the"]

    private static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": true
        default: false
        }
    }

    /// Python's `\w`, without the underscore, which is punctuation and gone.
    private static func isOfWord(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: scalar.properties.numericType != nil
        }
    }

    /// Python's `str.isspace`.
    private static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.isWhitespace || ("\u{1C}"..."\u{1F}").contains(scalar)
    }
}
