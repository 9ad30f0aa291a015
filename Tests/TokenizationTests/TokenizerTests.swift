import Testing
import Tokenization

@Suite struct TokenizerTests {
    private let vocabulary = [
        "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "##b", "ab", "##c", "é", "e\u{301}",
    ]

    @Test func tokensAndIDsAreFoundByTheirExactBytes() throws {
        var specification = TokenizerSpecification(vocabulary: TokenList(vocabulary))
        specification.addedTokens = [AddedToken(content: "<new>", id: 12)]
        let tokenizer = try Tokenizer(specification)
        #expect(tokenizer.id(of: "ab") == 8 && tokenizer.token(for: 8) == "ab")
        #expect(tokenizer.id(of: "é") == 10 && tokenizer.id(of: "e\u{301}") == 11)
        #expect(tokenizer.id(of: "<new>") == 12 && tokenizer.token(for: 12) == "<new>" && tokenizer.idLimit == 13)
        #expect(tokenizer.id(of: "abc") == nil && tokenizer.id(of: "") == nil && tokenizer.id(of: "[") == nil)
        #expect(tokenizer.token(for: 13) == nil && tokenizer.token(for: -1) == nil)
        #expect(tokenizer.unknownID == 1 && tokenizer.classID == 2 && tokenizer.separatorID == 3)
        #expect(tokenizer.padID == 0 && tokenizer.maskID == 4)
    }

    @Test func aVocabularyThatWasKeptIsWalkedWhereItLies() throws {
        let specification = TokenizerSpecification(vocabulary: TokenList(vocabulary))
        let built = try Tokenizer(specification)
        let memory = Memory(built.vocabulary.bytes)
        let kept = try ByteTrie(bytes: memory.bytes, owner: memory, idLimit: vocabulary.count)
        let mapped = try Tokenizer(specification, vocabulary: kept)
        let text = "abc ac abd é [MASK]"
        #expect(try mapped.encode(text).ids == built.encode(text).ids)
        #expect(mapped.vocabulary.bytes == built.vocabulary.bytes)
    }

    @Test func aVocabularyThatLeadsAstrayIsRefused() throws {
        let bytes = try Tokenizer(TokenizerSpecification(vocabulary: TokenList(vocabulary))).vocabulary.bytes
        func isRefused(_ bytes: [UInt8], idLimit: Int) -> Bool {
            let memory = Memory(bytes)
            return (try? ByteTrie(bytes: memory.bytes, owner: memory, idLimit: idLimit)) == nil
        }
        #expect(!isRefused(bytes, idLimit: vocabulary.count))
        #expect(isRefused(bytes, idLimit: vocabulary.count - 1), "an id that no token has")
        #expect(isRefused(Array(bytes.dropLast(8)), idLimit: vocabulary.count), "a block that is cut")
        #expect(isRefused([], idLimit: vocabulary.count))
        var wild = bytes
        wild[8 * 300 + 2] |= 0xF0
        #expect(isRefused(wild, idLimit: vocabulary.count), "children beyond the end")
        var alive = bytes
        alive[8 * 97 + 4] ^= 1
        #expect(isRefused(alive, idLimit: vocabulary.count), "children of what is dead")
    }

    /// Bytes at a place that stays.
    private final class Memory: Sendable {
        nonisolated(unsafe) let bytes: UnsafeRawBufferPointer

        init(_ values: [UInt8]) {
            let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: values.count, alignment: 8)
            memory.copyBytes(from: values)
            bytes = UnsafeRawBufferPointer(memory)
        }

        deinit { bytes.deallocate() }
    }

    @Test func takesTheLongestPieceAndGivesUpOnTheWholeWord() throws {
        let tokenizer = try Tokenizer(TokenizerSpecification(vocabulary: TokenList(vocabulary)))
        #expect(try tokenizer.encode("abc ac abd", addSpecialTokens: false).ids == [8, 9, 5, 9, 1])
    }

    @Test func theLastOfTwoEqualTokensCounts() throws {
        let tokenizer = try Tokenizer(TokenizerSpecification(vocabulary: TokenList(vocabulary + ["ab"])))
        #expect(try tokenizer.encode("ab", addSpecialTokens: false).ids == [12])
        #expect(tokenizer.token(for: 8) == "ab" && tokenizer.token(for: 12) == "ab")
    }

    @Test func anotherPrefixMarksContinuations() throws {
        var specification = TokenizerSpecification(
            vocabulary: TokenList(vocabulary + ["@c"]),
            continuingSubwordPrefix: "@"
        )
        #expect(try Tokenizer(specification).encode("abc", addSpecialTokens: false).ids == [8, 12])
        specification.continuingSubwordPrefix = ""
        #expect(try Tokenizer(specification).encode("abab", addSpecialTokens: false).ids == [8, 8])
    }

    @Test func aTemplateOfTheCheckpointsOwnIsFollowed() throws {
        let tokenizer = try Tokenizer(
            TokenizerSpecification(
                vocabulary: TokenList(vocabulary),
                singleTemplate: [.first(typeID: 3), .special(token: "[SEP]", typeID: 2)],
                pairTemplate: [.second(typeID: 1), .special(token: "[SEP]", typeID: 4), .first(typeID: 0)]
            )
        )
        let single = try tokenizer.encode("a b")
        #expect(single.ids == [5, 6, 3] && single.typeIDs == [3, 3, 2] && single.special == [false, false, true])
        let pair = try tokenizer.encode("a", pair: "b")
        #expect(pair.ids == [6, 3, 5] && pair.typeIDs == [1, 4, 0])
    }

    @Test func truncationIsReported() throws {
        let tokenizer = try Tokenizer(TokenizerSpecification(vocabulary: TokenList(vocabulary)))
        #expect(try !tokenizer.encode("a b", maxLength: 4).truncated)
        #expect(try tokenizer.encode("a b a", maxLength: 4).truncated)
        #expect(try tokenizer.encode("a b a", maxLength: 4, strategy: .none).count == 5)
        #expect(try tokenizer.encode("a b", maxLength: 2).ids == [2, 3])
    }

    @Test func aLimitThatCannotBeKeptIsAnError() throws {
        let tokenizer = try Tokenizer(TokenizerSpecification(vocabulary: TokenList(vocabulary)))
        #expect(code { try tokenizer.encode("a", maxLength: 1) } == .lengthTooShort)
        #expect(code { try tokenizer.encode("a", pair: "b", maxLength: 2) } == .lengthTooShort)
        #expect(code { try tokenizer.encode("a", maxLength: -5) } == .lengthTooShort)
        #expect(code { try tokenizer.encode("a a a", maxLength: 4, strategy: .onlySecond) } == .secondTextMissing)
        #expect(
            code { try tokenizer.encode("a", pair: "b b b", maxLength: 5, strategy: .onlyFirst) } == .lengthTooShort
        )
        for stride in [-1, 2, 3, Int.max] {
            #expect(code { try tokenizer.windows("a a a", maxLength: 4, stride: stride) } == .strideTooLong)
        }
        #expect(code { try tokenizer.windows("a a a", maxLength: 3, stride: 1) } == .strideTooLong)
    }

    /// Each of these would take minutes if the time grew with the square of the length.
    @Test func longTextsTakeLinearTime() throws {
        let tokenizer = try Tokenizer(TokenizerSpecification(vocabulary: TokenList(vocabulary)))
        let length = 100_000
        let word = try tokenizer.encode(String(repeating: "a", count: length), addSpecialTokens: false)
        #expect(word.ids == [1] && word.offsets == [ScalarRange(0, Int32(length))])
        // A mark that stays, among marks that canonical ordering moves past it.
        let marks = try tokenizer.encode("a\u{302E}" + String(repeating: "\u{301}\u{323}", count: length / 2))
        #expect(marks.ids == [2, 1, 3])
        let openings = try tokenizer.encode(String(repeating: "[", count: length), maxLength: 10)
        #expect(openings.ids == [2] + Array(repeating: 1, count: 8) + [3] && openings.truncated)
    }

    @Test func aSpecificationThatContradictsItselfIsRefused() {
        func code(_ change: (inout TokenizerSpecification) -> Void) -> TokenizationError.Code? {
            var specification = TokenizerSpecification(vocabulary: TokenList(vocabulary))
            change(&specification)
            let changed = specification
            return self.code { try Tokenizer(changed) }
        }
        #expect(code { _ in } == nil)
        #expect(code { $0.vocabulary = [] } == .missingToken)
        #expect(code { $0.unknownToken = "<unk>" } == .missingToken)
        #expect(code { $0.classToken = "<s>" } == .missingToken)
        #expect(code { $0.singleTemplate = [.special(token: "<s>", typeID: 0), .first(typeID: 0)] } == .missingToken)
        #expect(code { $0.singleTemplate = [] } == .invalidSpecification)
        #expect(code { $0.singleTemplate = [.first(typeID: 0), .second(typeID: 0)] } == .invalidSpecification)
        #expect(code { $0.pairTemplate = [.first(typeID: 0)] } == .invalidSpecification)
        #expect(code { $0.maxInputCharsPerWord = -1 } == .invalidSpecification)
        #expect(code { $0.addedTokens = [AddedToken(content: "", id: 12)] } == .invalidSpecification)
        #expect(code { $0.addedTokens = [AddedToken(content: "a", id: 6)] } == .invalidSpecification)
        #expect(code { $0.addedTokens = [AddedToken(content: "new", id: 3)] } == .invalidSpecification)
        #expect(code { $0.addedTokens = [AddedToken(content: "new", id: -3)] } == .invalidSpecification)
        #expect(
            code { $0.addedTokens = [AddedToken(content: "x", id: 12), AddedToken(content: "y", id: 12)] }
                == .invalidSpecification
        )
        #expect(
            code { $0.addedTokens = [AddedToken(content: "\u{301}", id: 12, normalized: true)] }
                == .invalidSpecification
        )
    }

    private func code<R>(_ body: () throws -> R) -> TokenizationError.Code? {
        do {
            _ = try body()
            return nil
        } catch {
            return (error as? TokenizationError)?.code
        }
    }
}
