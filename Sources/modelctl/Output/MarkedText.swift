/// A text with parts of it marked: in colours, or in brackets where there are none.
enum MarkedText {
    /// A part and what it is.
    struct Mark {
        var range: Range<String.Index>
        /// Printed behind the part; empty for nothing.
        var label: String
        var style: Style
    }

    /// The text on one line. Marks that overlap one before are passed over.
    static func line(_ text: String, _ marks: [Mark]) -> String {
        var result = ""
        var position = text.startIndex
        for mark in marks where mark.range.lowerBound >= position {
            result += HumanText.printable(String(text[position..<mark.range.lowerBound]))
            let part = HumanText.printable(String(text[mark.range]))
            let label = HumanText.printable(mark.label)
            if Console.hasColors {
                result += mark.style(part) + (label.isEmpty ? "" : Style.dim("/" + label))
            } else {
                result += "[\(part)\(label.isEmpty ? "" : "|" + label)]"
            }
            position = mark.range.upperBound
        }
        return result + HumanText.printable(String(text[position...]))
    }

    /// A part of a long text around a mark, of about `width` characters, with an ellipsis where it was cut.
    static func excerpt(_ text: String, _ mark: Mark, width: Int) -> String {
        let around = max(20, (width - text.distance(from: mark.range.lowerBound, to: mark.range.upperBound)) / 2)
        let first = text.index(mark.range.lowerBound, offsetBy: -around, limitedBy: text.startIndex) ?? text.startIndex
        let last = text.index(mark.range.upperBound, offsetBy: around, limitedBy: text.endIndex) ?? text.endIndex
        let start = first == text.startIndex ? "" : "…"
        let end = last == text.endIndex ? "" : "…"
        // Indices of a text are those of its parts.
        let shown = line(String(text[..<last]), [mark])
        guard first > text.startIndex else { return shown + end }
        let before = HumanText.printable(String(text[..<first])).count
        return start + String(shown.dropFirst(before)) + end
    }
}

/// Ranges of a text by offsets that count its Unicode scalars, as answers have them.
struct TextPlaces {
    private let indices: [String.Index]

    init(_ text: String) {
        indices = Array(text.unicodeScalars.indices) + [text.endIndex]
    }

    /// The range, as far as the text reaches.
    subscript(start: UInt32, end: UInt32) -> Range<String.Index> {
        let end = min(Int(end), indices.count - 1)
        return indices[min(Int(start), end)]..<indices[end]
    }
}
