/// A recursive-descent reader of one JSON text. Hostile input is the normal case: every step checks its bounds.
struct JSONParser {
    /// One step of the way from the top to a value.
    private enum Step {
        case key(String)
        case index(Int)
    }

    private let bytes: UnsafeRawBufferPointer
    private let limits: JSONLimits
    private var offset = 0
    private var values = 0
    private var path: [Step] = []
    /// How far lines were counted, and the line there: numbers that are not finite ask in the order of the text.
    private var counted = (offset: 0, line: 1)

    init(bytes: UnsafeRawBufferPointer, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func parseDocument() throws(JSONError) -> JSONValue {
        guard bytes.count <= limits.bytes else {
            throw error(.tooLarge, "the text has \(bytes.count) bytes, more than the \(limits.bytes) allowed")
        }
        skipSpace()
        let value = try parseValue(depth: 0)
        skipSpace()
        guard offset == bytes.count else { throw error(.trailingBytes, "unexpected bytes after the value") }
        return value
    }

    // MARK: - Values

    private mutating func parseValue(depth: Int) throws(JSONError) -> JSONValue {
        values += 1
        guard values <= limits.values else {
            throw error(.tooManyValues, "more than the \(limits.values) values allowed")
        }
        guard let byte = peek() else { throw error(.truncated, "the text ends where a value should begin") }
        switch byte {
        case UInt8(ascii: "{"): return .object(try parseObject(depth: depth + 1))
        case UInt8(ascii: "["): return .array(try parseArray(depth: depth + 1))
        case UInt8(ascii: "\""): return .string(try parseString())
        case UInt8(ascii: "t"):
            try expect("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try expect("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try expect("null")
            return .null
        case UInt8(ascii: "N") where limits.allowsNotFinite: return try parseNotFinite("NaN")
        case UInt8(ascii: "I") where limits.allowsNotFinite: return try parseNotFinite("Infinity")
        case UInt8(ascii: "-") where limits.allowsNotFinite && peek(1) == UInt8(ascii: "I"):
            return try parseNotFinite("-Infinity")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try parseNumber()
        default: throw error(.syntax, "a value cannot begin with this byte")
        }
    }

    private mutating func parseObject(depth: Int) throws(JSONError) -> JSONObject {
        try enter(depth)
        var object = JSONObject()
        skipSpace()
        if take(UInt8(ascii: "}")) { return object }
        repeat {
            skipSpace()
            let start = offset
            guard peek() == UInt8(ascii: "\"") else {
                throw error(peek() == nil ? .truncated : .syntax, "a key in double quotes is missing")
            }
            let key = try parseString()
            guard object.position(of: key) == nil else {
                throw error(.duplicateKey, "the key \(quoted(key)) appears twice", at: start)
            }
            skipSpace()
            guard take(UInt8(ascii: ":")) else {
                throw error(peek() == nil ? .truncated : .syntax, "a colon is missing after the key \(quoted(key))")
            }
            skipSpace()
            path.append(.key(key))
            let value = try parseValue(depth: depth)
            path.removeLast()
            _ = object.append(key: key, value: value)
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "}")) else {
            throw error(peek() == nil ? .truncated : .syntax, "a comma or a closing brace is missing")
        }
        return object
    }

    private mutating func parseArray(depth: Int) throws(JSONError) -> [JSONValue] {
        try enter(depth)
        var array: [JSONValue] = []
        skipSpace()
        if take(UInt8(ascii: "]")) { return array }
        repeat {
            skipSpace()
            path.append(.index(array.count))
            array.append(try parseValue(depth: depth))
            path.removeLast()
            skipSpace()
        } while take(UInt8(ascii: ","))
        guard take(UInt8(ascii: "]")) else {
            throw error(peek() == nil ? .truncated : .syntax, "a comma or a closing bracket is missing")
        }
        return array
    }

    /// Takes the opening bracket or brace of an array or object `depth` deep.
    private mutating func enter(_ depth: Int) throws(JSONError) {
        guard depth <= limits.depth else {
            throw error(.tooDeep, "arrays and objects are more than \(limits.depth) deep")
        }
        offset += 1
    }

    // MARK: - Numbers

    private mutating func parseNotFinite(_ word: StaticString) throws(JSONError) -> JSONValue {
        try expect(word)
        return .notFinite("\(word)", line: currentLine())
    }

    private mutating func currentLine() -> Int {
        for byte in bytes[counted.offset..<offset] where byte == 0x0A { counted.line += 1 }
        counted.offset = offset
        return counted.line
    }

    private mutating func parseNumber() throws(JSONError) -> JSONValue {
        let start = offset
        var isInteger = true
        _ = take(UInt8(ascii: "-"))
        let leadsWithZero = peek() == UInt8(ascii: "0")
        let digits = skipDigits()
        guard digits > 0 else { throw error(.invalidNumber, "a digit is missing after the sign", at: start) }
        guard digits == 1 || !leadsWithZero else {
            throw error(.invalidNumber, "a number cannot begin with a superfluous zero", at: start)
        }
        if take(UInt8(ascii: ".")) {
            isInteger = false
            guard skipDigits() > 0 else { throw error(.invalidNumber, "a digit is missing after the point", at: start) }
        }
        if take(UInt8(ascii: "e")) || take(UInt8(ascii: "E")) {
            isInteger = false
            if !take(UInt8(ascii: "+")) { _ = take(UInt8(ascii: "-")) }
            guard skipDigits() > 0 else { throw error(.invalidNumber, "the exponent has no digit", at: start) }
        }
        let text = String(decoding: bytes[start..<offset], as: UTF8.self)
        if isInteger, let integer = Int(text) { return .integer(integer) }
        guard let number = Double(text) else { throw error(.invalidNumber, "the number cannot be read", at: start) }
        guard number.isFinite else {
            // Python reads 1e999 as infinite, and an integer of any length.
            guard limits.allowsNotFinite else { throw error(.invalidNumber, "the number is too large", at: start) }
            let word = isInteger ? "a number of \(digits) digits" : number < 0 ? "-Infinity" : "Infinity"
            return .notFinite(word, line: currentLine())
        }
        return .number(number)
    }

    /// Passes over digits and returns how many there were.
    private mutating func skipDigits() -> Int {
        let start = offset
        while let byte = peek(), byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { offset += 1 }
        return offset - start
    }

    // MARK: - Strings

    private mutating func parseString() throws(JSONError) -> String {
        let start = offset
        offset += 1
        var decoded: [UInt8] = []
        var runStart = offset
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                let run = bytes[runStart..<offset]
                offset += 1
                if decoded.isEmpty {
                    if let string = String(validating: run, as: UTF8.self) { return string }
                } else {
                    decoded.append(contentsOf: run)
                    if let string = String(validating: decoded, as: UTF8.self) { return string }
                }
                throw error(.invalidUTF8, "the string that begins here is not UTF-8", at: start)
            case UInt8(ascii: "\\"):
                decoded.append(contentsOf: bytes[runStart..<offset])
                decoded.append(contentsOf: Unicode.UTF8.encode(try parseEscape())!)
                runStart = offset
            case 0..<0x20:
                throw error(.syntax, "a control character stands unescaped in a string")
            default:
                offset += 1
            }
        }
        throw error(.truncated, "the string that begins here has no closing quote", at: start)
    }

    private mutating func parseEscape() throws(JSONError) -> Unicode.Scalar {
        let start = offset
        offset += 1
        guard let letter = peek() else { throw error(.truncated, "the text ends inside an escape", at: start) }
        offset += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): break
        default: throw error(.invalidEscape, "there is no such escape", at: start)
        }
        let high = try parseHexadecimal(escapeStart: start)
        if let scalar = Unicode.Scalar(high) { return scalar }
        guard high < 0xDC00, take(UInt8(ascii: "\\")), take(UInt8(ascii: "u")) else {
            throw error(.invalidEscape, "half of a surrogate pair stands alone", at: start)
        }
        let low = try parseHexadecimal(escapeStart: start)
        guard (0xDC00..<0xE000).contains(low),
            let scalar = Unicode.Scalar(0x10000 + (high - 0xD800) << 10 + (low - 0xDC00))
        else {
            throw error(.invalidEscape, "half of a surrogate pair stands alone", at: start)
        }
        return scalar
    }

    private mutating func parseHexadecimal(escapeStart: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = peek(), let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
                throw error(.invalidEscape, "\\u needs four hexadecimal digits", at: escapeStart)
            }
            value = value << 4 | UInt32(digit)
            offset += 1
        }
        return value
    }

    // MARK: - Bytes

    private func peek(_ ahead: Int = 0) -> UInt8? {
        offset + ahead < bytes.count ? bytes[offset + ahead] : nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    private mutating func expect(_ word: StaticString) throws(JSONError) {
        let start = offset
        for index in 0..<word.utf8CodeUnitCount {
            guard take(word.utf8Start[index]) else {
                throw error(.syntax, "\(word) is expected here", at: start)
            }
        }
    }

    private mutating func skipSpace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
    }

    // MARK: - Errors

    private func error(_ code: JSONError.Code, _ message: String, at place: Int? = nil) -> JSONError {
        let place = place ?? offset
        let before = bytes[..<min(place, bytes.count)]
        let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        var line = 1
        for byte in before where byte == 0x0A { line += 1 }
        var text = ""
        for step in path {
            switch step {
            case .key(let key): text += (text.isEmpty ? "" : ".") + quoted(key)
            case .index(let index): text += "[\(index)]"
            }
        }
        return JSONError(
            code: code,
            message: message,
            offset: place,
            line: line,
            column: place - lineStart + 1,
            path: text
        )
    }
}
