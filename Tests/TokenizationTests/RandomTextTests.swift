import Testing
import Tokenization

/// Texts that nobody wrote: nothing traps, and what must hold for any text holds.
@Suite struct RandomTextTests {
    /// SplitMix64: the same texts in every run.
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var z = state
            z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
            z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
            return z ^ z >> 31
        }
    }

    /// Bytes of which many are part of well-formed UTF-8, but not all.
    private func bytes(_ generator: inout Generator) -> [UInt8] {
        var result: [UInt8] = []
        for _ in 0..<Int.random(in: 0..<60, using: &generator) {
            switch Int.random(in: 0..<8, using: &generator) {
            case 0: result.append(UInt8.random(in: 0...255, using: &generator))
            case 1: result += Array("[MASK]".utf8)
            case 2: result += Array(" ".utf8)
            case 3...4:
                let scalar = Unicode.Scalar(UInt32.random(in: 0..<0x11_0000, using: &generator)) ?? "\u{301}"
                result += Array(String(Character(scalar)).utf8)
            case 5:
                let scalar = Unicode.Scalar(UInt32.random(in: 0x2E0..<0x3200, using: &generator)) ?? "\u{302E}"
                result += Array(String(Character(scalar)).utf8)
            default: result.append(UInt8.random(in: 0x20..<0x7F, using: &generator))
            }
        }
        return result
    }

    @Test(arguments: ["uncased", "cased", "accents", "raw", "added"])
    func arbitraryBytesAreHarmless(configuration: String) throws {
        let tokenizer = try GoldenFiles.tokenizer(configuration)
        var generator = Generator(state: 1)
        for _ in 0..<1_000 {
            let bytes = bytes(&generator)
            let encoding = try bytes.withUnsafeBufferPointer { (bytes) throws(TokenizationError) in
                try tokenizer.encode(bytes)
            }
            let limit = Int32(bytes.count)
            let body = encoding.offsets.dropFirst().dropLast()
            #expect(encoding.ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.idLimit })
            #expect(body.allSatisfy { 0 <= $0.start && $0.start < $0.end && $0.end <= limit }, "\(bytes)")
            #expect(zip(body, body.dropFirst()).allSatisfy { $0.start <= $1.start && $0.end <= $1.end }, "\(bytes)")
            let words = encoding.wordIDs.dropFirst().dropLast()
            #expect(words.first ?? 0 == 0 && zip(words, words.dropFirst()).allSatisfy { $1 - $0 == 0 || $1 - $0 == 1 })
        }
    }

    /// Cleaning drops U+FFFD, so ill-formed bytes leave nothing, as if the text had been repaired first.
    @Test func illFormedBytesCountAsReplacementCharacters() throws {
        let tokenizer = try GoldenFiles.tokenizer("uncased")
        var generator = Generator(state: 2)
        var repaired = 0
        for _ in 0..<1_000 {
            let bytes = bytes(&generator)
            let text = String(decoding: bytes, as: UTF8.self)
            if Array(text.utf8) != bytes { repaired += 1 }
            let ids = try bytes.withUnsafeBufferPointer { (bytes) throws(TokenizationError) in
                try tokenizer.encode(bytes).ids
            }
            #expect(try ids == tokenizer.encode(text).ids, "\(bytes)")
        }
        #expect(repaired > 250)
    }

    /// An added token that must be matched in normalized text makes the tokenizer build that text, step by step;
    /// without one it takes the short way. Both give the same.
    @Test(arguments: ["uncased", "cased", "accents", "stripped", "unclean", "raw"])
    func theShortWayAgreesWithTheCompleteOne(configuration: String) throws {
        var specification = try GoldenFiles.specification(configuration)
        let short = try GoldenFiles.tokenizer(configuration)
        // Not a word character, and not among the scalars that the texts hold.
        let id = Int32(specification.vocabulary.count)
        specification.addedTokens.append(AddedToken(content: "\u{1F9FF}\u{1F9FF}", id: id, normalized: true))
        let complete = try Tokenizer(specification)
        var generator = Generator(state: 3)
        for _ in 0..<1_000 {
            let text = String(decoding: bytes(&generator), as: UTF8.self)
            #expect(try short.encode(text) == complete.encode(text), "\(text.debugDescription)")
        }
        #expect(try complete.encode("a\u{1F9FF}\u{1F9FF}").ids.contains(id))
    }
}
