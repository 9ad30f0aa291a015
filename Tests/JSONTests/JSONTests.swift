import JSON
import Testing

@Suite struct JSONTests {
    /// Texts that must be refused, the rule that they break and the byte at which they break it.
    private static let refused: [(text: String, code: JSONError.Code, offset: Int)] = [
        ("", .truncated, 0),
        ("  ", .truncated, 2),
        ("{", .truncated, 1),
        ("[1,", .truncated, 3),
        ("[1 2]", .syntax, 3),
        ("[1,]", .syntax, 3),
        ("{\"a\":1,}", .syntax, 7),
        ("{\"a\" 1}", .syntax, 5),
        ("{a:1}", .syntax, 1),
        ("{'a':1}", .syntax, 1),
        ("1 1", .trailingBytes, 2),
        ("{}\u{0}", .trailingBytes, 2),
        ("{\"a\":1,\"b\":2,\"a\":3}", .duplicateKey, 13),
        ("{\"a\":1,\"\\u0061\":3}", .duplicateKey, 7),
        ("{\"o\":{\"x\":null,\"x\":null}}", .duplicateKey, 15),
        ("tru", .syntax, 0),
        ("nul1", .syntax, 0),
        ("NaN", .syntax, 0),
        ("Infinity", .syntax, 0),
        ("+1", .syntax, 0),
        ("-", .invalidNumber, 0),
        ("01", .invalidNumber, 0),
        ("-01", .invalidNumber, 0),
        ("1.", .invalidNumber, 0),
        (".5", .syntax, 0),
        ("1e", .invalidNumber, 0),
        ("1e+", .invalidNumber, 0),
        ("1e999", .invalidNumber, 0),
        ("0x10", .trailingBytes, 1),
        ("\"abc", .truncated, 0),
        ("\"a\nb\"", .syntax, 2),
        ("\"\\x\"", .invalidEscape, 1),
        ("\"\\u12g4\"", .invalidEscape, 1),
        ("\"\\ud800\"", .invalidEscape, 1),
        ("\"\\udc00\"", .invalidEscape, 1),
        ("\"\\ud800\\u0041\"", .invalidEscape, 1),
        ("\"\\ud800\\ud800\"", .invalidEscape, 1),
        ("\"\\", .truncated, 1),
        ("\u{FEFF}{}", .syntax, 0),
        ("// no\n{}", .syntax, 0),
    ]

    @Test(arguments: refused.indices)
    func refuses(_ index: Int) {
        let example = Self.refused[index]
        let error = #expect(throws: JSONError.self, "\(example.text)") { try JSONValue.parse(Array(example.text.utf8)) }
        #expect(error?.code == example.code, "\(example.text): \(String(describing: error))")
        #expect(error?.offset == example.offset, "\(example.text): \(String(describing: error))")
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82], [0x80],
        ] as [[UInt8]]
    )
    func refusesWhatIsNotUTF8(_ bytes: [UInt8]) {
        let quote = UInt8(ascii: "\"")
        for text in [[quote] + bytes + [quote], [quote] + Array("\\n".utf8) + bytes + [quote]] {
            let error = #expect(throws: JSONError.self) { try JSONValue.parse(text) }
            #expect(error?.code == .invalidUTF8)
        }
    }

    @Test func saysWhere() {
        let text = "{\"labels\": [\n  {\"name\": 1},\n  {\"name\": x}]}"
        let error = #expect(throws: JSONError.self) { try JSONValue.parse(Array(text.utf8)) }
        #expect(error?.line == 3 && error?.column == 12)
        #expect(error?.path == "\"labels\"[1].\"name\"")
    }

    @Test func obeysItsLimits() throws {
        let deep = [UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)
        #expect(throws: JSONError.self) { try JSONValue.parse(deep) }
        let limits = JSONLimits(bytes: 20, depth: 2, values: 4)
        _ = try JSONValue.parse(Array("[[1,2]]".utf8), limits: limits)
        for (text, code) in [
            ("[[[1]]]", JSONError.Code.tooDeep), ("[1,2,3,4]", .tooManyValues), ("[                   ]", .tooLarge),
        ] {
            let error = #expect(throws: JSONError.self) { try JSONValue.parse(Array(text.utf8), limits: limits) }
            #expect(error?.code == code)
        }
    }

    @Test func keepsOrderAndExactValues() throws {
        let text = """
            {"z": 9223372036854775807, "a": -9223372036854775808, "b": 1000000000000000019884624838656, "c": 1e-12,
             "d": "\\ud83d\\ude00\\u0000\\/\\\\é", "e": [true, false, null], "f": -0.5E+1, "g": 1, "h": 2, "i": 3}
            """
        guard case .object(let object) = try JSONValue.parse(Array(text.utf8)) else {
            Issue.record("not an object")
            return
        }
        #expect(object.members.map(\.key) == ["z", "a", "b", "c", "d", "e", "f", "g", "h", "i"])
        guard case .integer(Int.max)? = object["z"], case .integer(Int.min)? = object["a"],
            case .number(1e30)? = object["b"], case .number(1e-12)? = object["c"],
            case .string("😀\u{0}/\\é")? = object["d"], case .array(let array)? = object["e"], array.count == 3,
            case .number(-5)? = object["f"], case .integer(3)? = object["i"], object["j"] == nil
        else {
            Issue.record("\(object)")
            return
        }
    }

    @Test func notFiniteIsTakenWhereItIsAllowed() throws {
        let text = "[NaN, Infinity,\n -Infinity,\n\n1e999, -1e999, \(String(repeating: "9", count: 400)), -1]"
        guard case .array(let array) = try JSONValue.parse(Array(text.utf8), limits: .savedByPython) else {
            Issue.record("not an array")
            return
        }
        #expect(
            array.map(\.kind) == [
                "NaN (line 1)", "Infinity (line 1)", "-Infinity (line 2)", "Infinity (line 4)", "-Infinity (line 4)",
                "a number of 400 digits (line 4)", "-1",
            ]
        )
        for (text, code) in [
            ("Nan", JSONError.Code.syntax), ("Infinit", .syntax), ("-Infinitx", .syntax), ("-I", .syntax),
            ("+Infinity", .syntax),
            ("nan", .syntax), ("-NaN", .invalidNumber), ("Infinity1", .trailingBytes), ("N", .syntax),
            ("-", .invalidNumber),
        ] {
            let error = #expect(throws: JSONError.self, "\(text)") {
                try JSONValue.parse(Array(text.utf8), limits: .savedByPython)
            }
            #expect(error?.code == code, "\(text): \(String(describing: error))")
        }
    }

    @Test func keysAreComparedByBytes() throws {
        let text = "{\"\u{E9}\": 1, \"e\u{301}\": 2}"
        guard case .object(let object) = try JSONValue.parse(Array(text.utf8)),
            case .integer(1)? = object["\u{E9}"], case .integer(2)? = object["e\u{301}"]
        else {
            Issue.record("canonically equivalent keys were confused")
            return
        }
    }
}
