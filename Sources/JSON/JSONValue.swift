/// A JSON value as it stands in a file, read by ``JSONValue/parse(_:limits:)``.
package enum JSONValue: Sendable {
    case null
    case bool(Bool)
    /// A number without fraction and exponent that fits an `Int`, exactly.
    case integer(Int)
    /// Any other number, rounded to the nearest `Double`; never infinite and never NaN.
    case number(Double)
    /// `NaN`, `Infinity` or `-Infinity`, which are not JSON but Python's, and the line where it stands. No accessor takes
    /// it for a number: it is harmless where nothing reads it.
    case notFinite(String, line: Int)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Reads the one JSON value that `bytes` holds, by RFC 8259 and more strictly: no key twice in an object, no byte
    /// order mark, no lone surrogate, nothing but white space after the value, and nothing beyond `limits`. `limits` may
    /// allow what Python writes besides: numbers that are not finite.
    package static func parse(
        _ bytes: UnsafeRawBufferPointer,
        limits: JSONLimits = JSONLimits()
    ) throws(JSONError) -> JSONValue {
        var parser = JSONParser(bytes: bytes, limits: limits)
        return try parser.parseDocument()
    }

    /// Reads the one JSON value that `bytes` holds; see ``parse(_:limits:)-swift.type.method``.
    package static func parse(_ bytes: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) -> JSONValue {
        let result: Result<JSONValue, JSONError> = bytes.withUnsafeBytes { buffer in
            Result { () throws(JSONError) in try parse(buffer, limits: limits) }
        }
        return try result.get()
    }

    /// What the value is, for messages: "a string", "an array".
    package var kind: String {
        switch self {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let integer): "\(integer)"
        case .number(let number): "\(number)"
        case .notFinite(let word, let line): "\(word) (line \(line))"
        case .string(let string): quoted(string)
        case .array: "an array"
        case .object: "an object"
        }
    }
}

/// The members of a JSON object in the order of the file, every key once.
package struct JSONObject: Sendable, ExpressibleByDictionaryLiteral {
    /// The keys and values in the order of the file.
    package private(set) var members: [(key: String, value: JSONValue)] = []
    /// Positions by key, kept only when the object is too large to search in order.
    private var positions: [ExactString: Int] = [:]

    /// An object with these members.
    package init(dictionaryLiteral members: (String, JSONValue)...) {
        for (key, value) in members { _ = append(key: key, value: value) }
    }

    /// Up to this many members, a search in order is faster than a table and takes no memory.
    private static let searchedInOrder = 8

    /// The value of `key`, byte for byte, or nil.
    package subscript(key: String) -> JSONValue? {
        position(of: key).map { members[$0].value }
    }

    /// Adds a member; false, and nothing added, if the key is there already.
    package mutating func append(key: String, value: JSONValue) -> Bool {
        guard position(of: key) == nil else { return false }
        members.append((key, value))
        if members.count == Self.searchedInOrder + 1 {
            for (index, member) in members.enumerated() { positions[ExactString(member.key)] = index }
        } else if members.count > Self.searchedInOrder {
            positions[ExactString(key)] = members.count - 1
        }
        return true
    }

    func position(of key: String) -> Int? {
        if members.count > Self.searchedInOrder { return positions[ExactString(key)] }
        return members.firstIndex { $0.key.utf8.elementsEqual(key.utf8) }
    }
}

/// What a JSON text may cost before it is refused.
package struct JSONLimits: Sendable {
    /// Most bytes of the text.
    package var bytes: Int
    /// Most arrays and objects inside one another.
    package var depth: Int
    /// Most values in all; bounds the memory, since one byte of text can become a value of some 50 bytes.
    package var values: Int
    /// Whether `NaN`, `Infinity` and `-Infinity` are values, as they are for Python's `json`.
    package var allowsNotFinite: Bool

    package init(
        bytes: Int = 64 << 20,
        depth: Int = 32,
        values: Int = 2_000_000,
        allowsNotFinite: Bool = false
    ) {
        self.bytes = bytes
        self.depth = depth
        self.values = values
        self.allowsNotFinite = allowsNotFinite
    }

    /// For the files that Python programs save beside the weights.
    package static let savedByPython = JSONLimits(allowsNotFinite: true)
}

/// Where and why a text is not acceptable JSON.
package struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The rule that is broken.
    package enum Code: Sendable, Hashable {
        case syntax, truncated, trailingBytes, duplicateKey, invalidUTF8, invalidEscape, invalidNumber
        case tooLarge, tooDeep, tooManyValues
    }

    package let code: Code
    /// What is wrong, in words.
    package let message: String
    /// The byte at which it is wrong, counted from 0.
    package let offset: Int
    /// The line of that byte, counted from 1.
    package let line: Int
    /// The byte's place in its line, counted from 1.
    package let column: Int
    /// The value concerned: "labels[3].name"; empty at the top.
    package let path: String

    /// Position, path and message, fit for one line of a log.
    package var description: String {
        "line \(line), column \(column) (byte \(offset))" + (path.isEmpty ? "" : ", at \(path)") + ": \(message)"
    }
}
