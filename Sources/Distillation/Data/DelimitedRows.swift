/// The rows of a table that is written as text, one after the other.
struct DelimitedRows {
    enum Style {
        /// RFC 4180: commas; a field in double quotes may hold commas, line ends and doubled quotes.
        case commas
        /// Tabs; a quote is a character like any other.
        case tabs
    }

    struct Row: Equatable {
        /// Where the row begins, counted from 1.
        let line: Int
        let fields: [String]
    }

    private let input: DataInput
    private let style: Style
    private let longest: Int
    private var offset = 0
    private var line = 1

    /// - Parameter longest: the most bytes of a row.
    init(_ input: DataInput, style: Style, longest: Int) {
        self.input = input
        self.style = style
        self.longest = longest
    }

    /// The next row that is not an empty line; nil at the end of the file.
    mutating func next() throws(DistillationError) -> Row? {
        while offset < input.bytes.count {
            if takeLineEnd() { continue }
            return try row()
        }
        return nil
    }

    private mutating func row() throws(DistillationError) -> Row {
        let (first, start) = (line, offset)
        var fields: [String] = []
        while true {
            fields.append(try field(rowStart: start))
            guard offset - start <= longest else { throw tooLong(first) }
            if offset == input.bytes.count || takeLineEnd() { return Row(line: first, fields: fields) }
            // The one byte that ends a field and not a row.
            offset += 1
        }
    }

    private mutating func field(rowStart: Int) throws(DistillationError) -> String {
        if style == .commas, offset < input.bytes.count, input.bytes[offset] == UInt8(ascii: "\"") {
            return try quotedField(rowStart: rowStart)
        }
        let start = offset
        let delimiter = style == .commas ? UInt8(ascii: ",") : UInt8(ascii: "\t")
        while offset < input.bytes.count, input.bytes[offset] != delimiter, !isLineEnd { offset += 1 }
        return input.string(start..<offset)
    }

    /// A field whose opening quote is next.
    private mutating func quotedField(rowStart: Int) throws(DistillationError) -> String {
        let quote = UInt8(ascii: "\"")
        let opened = line
        offset += 1
        var text = ""
        var start = offset
        while offset < input.bytes.count {
            let byte = input.bytes[offset]
            offset += 1
            if byte == 0x0A { line += 1 }
            guard offset - rowStart <= longest else {
                throw input.error(
                    line: opened,
                    "the field whose quote opens here has more than \(longest) bytes; is its closing quote missing?"
                )
            }
            guard byte == quote else { continue }
            text += input.string(start..<offset - 1)
            if offset < input.bytes.count, input.bytes[offset] == quote {
                start = offset
                offset += 1
                continue
            }
            guard offset == input.bytes.count || input.bytes[offset] == UInt8(ascii: ",") || isLineEnd else {
                throw input.error(
                    line: line,
                    "something follows a closing quote (of a field that begins on line \(opened)); "
                        + "a quote inside a quoted field is written twice"
                )
            }
            return text
        }
        throw input.error(line: opened, "the quote that opens here is never closed")
    }

    private var isLineEnd: Bool {
        let byte = input.bytes[offset]
        return byte == 0x0A
            || byte == 0x0D && offset + 1 < input.bytes.count && input.bytes[offset + 1] == 0x0A
    }

    private mutating func takeLineEnd() -> Bool {
        guard isLineEnd else { return false }
        offset += input.bytes[offset] == 0x0A ? 1 : 2
        line += 1
        return true
    }

    private func tooLong(_ line: Int) -> DistillationError {
        input.error(line: line, "the row has more than the \(longest) bytes allowed; is this a table?")
    }
}
