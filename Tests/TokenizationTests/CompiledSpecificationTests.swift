import Testing
import Tokenization

@Suite struct CompiledSpecificationTests {
    /// Everything a specification may say, in unusual values.
    private var rich: TokenizerSpecification {
        var specification = TokenizerSpecification(
            vocabulary: ["[PAD]", "", "é", "e\u{301}", "中", "a b", "##x", "[UNK]", "[CLS]", "[SEP]"],
            addedTokens: [
                AddedToken(content: "[MASK]", id: 10, lstrip: true),
                AddedToken(content: "né", id: 11, singleWord: true, rstrip: true, normalized: true, special: false),
            ],
            padToken: nil,
            maskToken: "[MASK]",
            continuingSubwordPrefix: "@",
            maxInputCharsPerWord: 7,
            cleanText: false,
            lowercase: false,
            stripAccents: true,
            singleTemplate: [.first(typeID: 3), .special(token: "[SEP]", typeID: 2)],
            pairTemplate: [.second(typeID: 1), .first(typeID: 0)],
            modelMaxLength: 1 << 40
        )
        specification.decoder = WordPieceDecoder(prefix: "@", cleansUp: false)
        specification.cleansUpSpaces = true
        return specification
    }

    private func read(_ bytes: [UInt8]) throws -> TokenizerSpecification {
        try bytes.withUnsafeBytes { try TokenizerSpecification(compiled: $0) }
    }

    @Test func whatIsReadIsWhatWasWritten() throws {
        #expect(try read(rich.compiled) == rich)
        var plain = TokenizerSpecification(vocabulary: [])
        plain.decoder = nil
        #expect(try read(plain.compiled) == plain)
    }

    @Test func numbersThatNoFileMayGiveAreRefused() {
        var specification = rich
        specification.modelMaxLength = 0
        #expect(throws: TokenizationError.self) { try read(specification.compiled) }
        specification = rich
        specification.singleTemplate = [.first(typeID: -1)]
        #expect(throws: TokenizationError.self) { try read(specification.compiled) }
        specification = rich
        specification.addedTokens[0].id = -1
        #expect(throws: TokenizationError.self) { try read(specification.compiled) }
    }

    @Test func damagedBytesAreRefusedOrReadAsSomethingElse() throws {
        let bytes = rich.compiled
        for count in bytes.indices {
            #expect(throws: TokenizationError.self, "cut to \(count)") { try read(Array(bytes[..<count])) }
        }
        #expect(throws: TokenizationError.self) { try read(bytes + [0]) }
        for index in bytes.indices {
            for value in [0, 1, 0x7F, 0xFF] as [UInt8] where bytes[index] != value {
                var damaged = bytes
                damaged[index] = value
                guard let specification = try? read(damaged) else { continue }
                #expect(specification.vocabulary.map { $0 }.count == specification.vocabulary.count)
                _ = try? Tokenizer(specification).encode("a né [MASK] 中")
            }
        }
    }
}

@Suite struct TokenListTests {
    @Test func holdsItsStrings() {
        let strings = ["", "a", "é", "e\u{301}", "", "中文", "a"]
        let list = TokenList(strings)
        #expect(Array(list).map { Array($0.utf8) } == strings.map { Array($0.utf8) })
        #expect(list.count == 7 && list[5] == "中文" && list == TokenList(Array(list)) && TokenList().isEmpty)
    }

    @Test func findsTheLastOfTheSameBytes() {
        let list: TokenList = ["a", "é", "e\u{301}", "a", "", "ab"]
        #expect(list.lastIndex(ofExactly: "a") == 3 && list.lastIndex(ofExactly: "") == 4)
        #expect(list.lastIndex(ofExactly: "é") == 1 && list.lastIndex(ofExactly: "e\u{301}") == 2)
        #expect(list.lastIndex(ofExactly: "b") == nil && TokenList().lastIndex(ofExactly: "") == nil)
    }
}
