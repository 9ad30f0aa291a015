import Glibc
import JSON

/// Words and pairs of neighbouring words, weighted by how few texts have them: what scikit-learn's
/// `TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)` makes.
///
/// A word is two or more letters, digits or underscores in a row, in lower case. A term that stands in a text `n` times weighs
/// (1 + ln n) · (ln((1 + N) / (1 + d)) + 1), where d of the N fitted texts have it; rows have length 1. (Python lowers a
/// final Σ otherwise than Swift does.)
package struct TfIdf: Sendable {
    /// The terms by their UTF-8; a term's place is its column.
    package let terms: [String]
    private let columns: [ExactString: Int]
    private let weights: [Double]

    /// Takes the terms of `texts` and counts how many of the texts have each.
    package init(fitting texts: [String]) {
        var frequencies: [ExactString: Int] = [:]
        for text in texts {
            for term in Self.counts(text).keys { frequencies[term, default: 0] += 1 }
        }
        terms = frequencies.keys.map(\.string).sorted(by: byUTF8)
        var columns: [ExactString: Int] = [:]
        for (column, term) in terms.enumerated() { columns[ExactString(term)] = column }
        self.columns = columns
        weights = terms.map { log(Double(1 + texts.count) / Double(1 + frequencies[ExactString($0)]!)) + 1 }
    }

    /// One row for each text; a text without a known term has a row of zeros.
    package func rows(_ texts: [String]) -> FeatureRows {
        let rows = texts.map { text in
            var row = Self.counts(text).compactMap { term, count in
                columns[term].map { (column: $0, value: (1 + log(Double(count))) * weights[$0]) }
            }
            row.sort { $0.column < $1.column }
            let length = row.reduce(0) { $0 + $1.value * $1.value }.squareRoot()
            for index in row.indices { row[index].value /= length }
            return row
        }
        return FeatureRows(sparse: rows, width: terms.count)
    }

    /// How often each term stands in a text.
    private static func counts(_ text: String) -> [ExactString: Int] {
        let words = words(text)
        var counts: [ExactString: Int] = [:]
        for word in words { counts[ExactString(word), default: 0] += 1 }
        for (word, next) in zip(words, words.dropFirst()) { counts[ExactString("\(word) \(next)"), default: 0] += 1 }
        return counts
    }

    static func words(_ text: String) -> [String] {
        text.lowercased().unicodeScalars.split { !isWordCharacter($0) }.filter { $0.count > 1 }.map { String($0) }
    }

    /// What Python's `\w` matches.
    private static func isWordCharacter(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII {
            return switch scalar {
            case "a"..."z", "A"..."Z", "0"..."9", "_": true
            default: false
            }
        }
        return switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber: true
        default: scalar.properties.numericType != nil
        }
    }
}
