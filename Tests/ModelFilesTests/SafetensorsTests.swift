import ModelFiles
import Testing

@Suite struct SafetensorsTests {
    private static func entry(_ shape: String, _ range: String, _ dtype: String = "F32") -> String {
        "{\"dtype\":\"\(dtype)\",\"shape\":\(shape),\"data_offsets\":\(range)}"
    }

    /// Files that must be refused, and words of the reason.
    private static let hostile: [(file: [UInt8], reason: String)] = [
        ([], "8 bytes"),
        ([1, 2, 3], "8 bytes"),
        (safetensors("{}", data: 0, declaredLength: 3), "should have 3"),
        (safetensors("{}", data: 0, declaredLength: .max), "over the format's limit"),
        (safetensors("{}", data: 0, declaredLength: 100_000_001), "over the format's limit"),
        (safetensors("{}", data: 0, declaredLength: 100_000_000), "should have 100000000"),
        (safetensors("{}", data: 0, declaredLength: UInt64(Int64.max)), "over the format's limit"),
        (safetensors("", data: 0), "opening brace"),
        (safetensors(" {}", data: 0), "opening brace"),
        (safetensors("[]", data: 0), "opening brace"),
        (safetensors("{", data: 0), "quotes"),
        (safetensors("{}x", data: 0), "after the value"),
        (safetensors([0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x31, 0x7D], data: 0), "not UTF-8"),
        (safetensors("{\"a\":1}", data: 0), "must be an object"),
        (safetensors("{\"a\":{}}", data: 0), "\"dtype\" is missing"),
        (
            safetensors("{\"a\":\(entry("[1]", "[0,4]"))}", data: 3),
            "ends at byte 4 of the data, and the file holds only 3"
        ),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]"))}", data: 5), "1 bytes after the last tensor"),
        (safetensors("{}", data: 1), "1 bytes after the last tensor"),
        (safetensors("{\"a\":\(entry("[1]", "[1,5]"))}", data: 5), "hole"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]")),\"b\":\(entry("[1]", "[8,12]"))}", data: 12), "hole"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]")),\"b\":\(entry("[1]", "[0,4]"))}", data: 4), "overlaps"),
        (safetensors("{\"a\":\(entry("[2]", "[0,8]")),\"b\":\(entry("[1]", "[4,8]"))}", data: 8), "overlaps"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]")),\"a\":\(entry("[1]", "[4,8]"))}", data: 8), "appears twice"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]").dropLast()),\"dtype\":\"F32\"}}", data: 4), "appears twice"),
        (safetensors("{\"a\":\(entry("[2]", "[0,4]"))}", data: 4), "takes 8 bytes, and its range has 4"),
        (safetensors("{\"a\":\(entry("[1]", "[0,8]"))}", data: 8), "takes 4 bytes, and its range has 8"),
        (safetensors("{\"a\":\(entry("[1]", "[4,0]"))}", data: 4), "`a.data_offsets[1]` must be"),
        (safetensors("{\"a\":\(entry("[1]", "[-4,0]"))}", data: 4), "`a.data_offsets[0]` must be"),
        (safetensors("{\"a\":\(entry("[1]", "[0]"))}", data: 4), "two offsets"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4,8]"))}", data: 4), "two offsets"),
        (safetensors("{\"a\":\(entry("[1]", "[0.0,4]"))}", data: 4), "`a.data_offsets[0]` must be"),
        (safetensors("{\"a\":\(entry("[1]", "\"0,4\""))}", data: 4), "`a.data_offsets` must be an array"),
        (safetensors("{\"a\":\(entry("[-1]", "[0,4]"))}", data: 4), "`a.shape[0]` must be"),
        (safetensors("{\"a\":\(entry("[1e0]", "[0,4]"))}", data: 4), "`a.shape[0]` must be"),
        (safetensors("{\"a\":\(entry("[9223372036854775807]", "[0,4]"))}", data: 4), "64-bit"),
        (safetensors("{\"a\":\(entry("[4294967296,4294967296]", "[0,0]"))}", data: 0), "64-bit"),
        (safetensors("{\"a\":\(entry("[4294967296,4294967296,0]", "[0,0]"))}", data: 0), "64-bit"),
        (safetensors("{\"a\":\(entry("[18446744073709551616]", "[0,0]"))}", data: 0), "`a.shape[0]` must be"),
        (safetensors("{\"a\":\(entry("[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]", "[0,4]"))}", data: 4), "at most 16"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]", "F31"))}", data: 4), "one of BOOL"),
        (safetensors("{\"a\":\(entry("[1]", "[0,4]", "f32"))}", data: 4), "one of BOOL"),
        (safetensors("{\"__metadata__\":{\"format\":1}}", data: 0), "must be a string"),
        (safetensors("{\"__metadata__\":[]}", data: 0), "must be an object"),
        (safetensors("{\"a\":{\"dtype\":[[[1]]]}}", data: 0), "deep"),
    ]

    @Test(arguments: hostile.indices)
    func refusesHostileFiles(_ index: Int) {
        let (file, reason) = Self.hostile[index]
        let error = #expect(throws: ModelFilesError.self) {
            try file.withUnsafeBytes { try SafetensorsHeader(validating: $0, file: "m.safetensors") }
        }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        #expect(error?.code == .malformedCheckpoint || error?.code == .malformedJSON)
        #expect(error?.file.hasPrefix("m.safetensors") == true)
    }

    @Test func readsWhatIsWellFormed() throws {
        let header =
            "{\"b\":\(Self.entry("[2,3]", "[4,16]", "BF16")),\"__metadata__\":{\"format\":\"pt\"},"
            + "\"ü\":\(Self.entry("[0,4294967296]", "[16,16]")),\"a\":\(Self.entry("[]", "[0,4]")),"
            + "\"ids\":\(Self.entry("[1]", "[16,24]", "I64"))}   "
        let file = safetensors(header, data: 24)
        let parsed = try file.withUnsafeBytes { try SafetensorsHeader(validating: $0, file: "m") }
        let start = file.count - 24
        #expect(parsed.entries.map(\.name) == ["a", "b", "ü", "ids"])
        #expect(parsed.entries.map(\.shape) == [[], [2, 3], [0, 4_294_967_296], [1]])
        #expect(parsed.entries.map(\.dtype) == [.float32, .bfloat16, .float32, .int64])
        #expect(
            parsed.entries.map(\.range) == [
                start..<start + 4, start + 4..<start + 16, start + 16..<start + 16, start + 16..<start + 24,
            ]
        )
        #expect(parsed.metadata.map(\.key) == ["format"] && parsed.metadata.map(\.value) == ["pt"])
    }

    @Test func emptyFileIsWellFormed() throws {
        let parsed = try safetensors("{}", data: 0).withUnsafeBytes { try SafetensorsHeader(validating: $0, file: "m") }
        #expect(parsed.entries.isEmpty)
    }

    @Test func manyTensorsTakeNoLong() throws {
        let entries = (0..<20_000).map { "\"t\($0)\":\(Self.entry("[1]", "[\(4 * $0),\(4 * $0 + 4)]"))" }
        let file = safetensors("{\(entries.joined(separator: ","))}", data: 80_000)
        let parsed = try file.withUnsafeBytes { try SafetensorsHeader(validating: $0, file: "m") }
        #expect(parsed.entries.count == 20_000)
    }

    /// Flips, overwrites, cuts and repeats bytes of a valid file; nothing may trap, and most results must be refused.
    @Test func mutatedFilesNeverTrap() {
        let valid = safetensors(
            "{\"a\":\(Self.entry("[2]", "[0,8]")),\"b\":\(Self.entry("[3,2]", "[8,20]", "F16")),"
                + "\"c\":\(Self.entry("[4]", "[20,28]", "BF16"))}",
            data: 28
        )
        #expect(valid.withUnsafeBytes { FuzzEntry.safetensors($0) })
        var generator = SplitMix64(state: 2026)
        var refused = 0
        let rounds = 6_000
        for _ in 0..<rounds {
            let mutant = mutate(valid, &generator)
            if !mutant.withUnsafeBytes({ FuzzEntry.safetensors($0) }) { refused += 1 }
        }
        #expect(refused > rounds / 2 && refused < rounds)
    }

    @Test func mutatedConfigurationsNeverTrap() {
        let valid = Array(
            """
            {"model_type": "bert", "hidden_size": 768, "id2label": {"0": "a", "1": "\\u00e9"}, "layer_norm_eps": 1e-12,
             "architectures": ["BertModel"], "hidden_act": "gelu", "pad_token_id": null}
            """.utf8
        )
        #expect(valid.withUnsafeBytes { FuzzEntry.configuration($0) })
        var generator = SplitMix64(state: 7)
        var refused = 0
        for _ in 0..<6_000 {
            let mutant = mutate(valid, &generator)
            if !mutant.withUnsafeBytes({ FuzzEntry.configuration($0) }) { refused += 1 }
        }
        #expect(refused > 1_000 && refused < 6_000)
    }
}

/// Steele's SplitMix64, so that a failing mutation can be made again.
private struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
        return z ^ z >> 31
    }
}

private func mutate(_ bytes: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
    var mutant = bytes
    for _ in 0..<Int.random(in: 1...3, using: &generator) where !mutant.isEmpty {
        let place = Int.random(in: 0..<mutant.count, using: &generator)
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: mutant[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: mutant[place] = UInt8.random(in: .min ... .max, using: &generator)
        case 2: mutant[place] = Array("0123456789{}[]\",:-.e\\".utf8).randomElement(using: &generator)!
        case 3: mutant.removeSubrange(place...)
        case 4: mutant.remove(at: place)
        default: mutant.insert(contentsOf: mutant[place..<min(place + 8, mutant.count)], at: place)
        }
    }
    return mutant
}
