import Distillation
import Testing

@Suite struct SHA256Tests {
    private static func digest(_ bytes: [UInt8]) -> String { bytes.withUnsafeBytes { SHA256.hexadecimal($0) } }

    /// FIPS 180-2's examples, and what `sha256sum` says of lengths around a block's end.
    @Test func theStandardsExamples() {
        #expect(Self.digest([]) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        #expect(Self.digest(Array("abc".utf8)) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        let long = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
        #expect(Self.digest(Array(long.utf8)) == "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1")
        let many = [UInt8](repeating: UInt8(ascii: "a"), count: 100_000)
        #expect(Self.digest(many) == "6d1cf22d7cc09b085dfc25ee1a1f3ae0265804c607bc2074ad253bcc82fd81ee")
        #expect(
            [55, 56, 63, 64, 65, 119, 120].map { String(Self.digest(Array(many[..<$0])).prefix(8)) } == [
                "9f4390f8", "b35439a4", "7d3e74a0", "ffe054fe", "635361c4", "31eba51c", "2f3d3354",
            ]
        )
    }
}
