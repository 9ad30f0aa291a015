import Testing
import Tokenization

/// Every token, offset, word id, type and window as the reference gives them.
@Suite struct GoldenTests {
    @Test(arguments: ["uncased", "cased", "accents", "stripped", "unclean", "raw", "short", "added"])
    func agreesWithTheReference(configuration: String) throws {
        let tokenizer = try GoldenFiles.tokenizer(configuration)
        let cases = try GoldenFiles.cases().filter { $0.config == configuration }
        try #require(cases.count >= 80)
        for golden in cases {
            let answer = Result { () throws(TokenizationError) in try windows(of: golden, tokenizer) }
            switch (golden.expected, answer) {
            case (let expected?, .success(let windows)):
                #expect(windows.map(\.rows) == expected, "\(golden.text.debugDescription), limit \(golden.limit ?? 0)")
            case (nil, .failure):
                break
            case (_, .success):
                Issue.record("the reference refuses \(golden)")
            case (_, .failure(let error)):
                Issue.record("\(golden): \(error)")
            }
        }
    }

    /// The short way for inference gives the same ids as the complete one.
    @Test(arguments: ["uncased", "cased", "added"])
    func idsAloneAreTheSame(configuration: String) throws {
        let tokenizer = try GoldenFiles.tokenizer(configuration)
        for golden in try GoldenFiles.cases() where golden.expected != nil && golden.stride == nil {
            let whole = try tokenizer.encode(
                golden.text,
                pair: golden.pair,
                addSpecialTokens: golden.special,
                maxLength: golden.limit.map { max($0, 6) },
                strategy: .longestFirst
            )
            let text = Array(golden.text.utf8)
            let pair = golden.pair.map { Array($0.utf8) }
            var ids: [Int32] = [-7]
            var typeIDs: [Int32] = [-7]
            let truncated = try text.withUnsafeBufferPointer { (text) throws(TokenizationError) in
                func encode(_ pair: UnsafeBufferPointer<UInt8>?) throws(TokenizationError) -> Bool {
                    try tokenizer.encodeIDs(
                        text,
                        pair: pair,
                        addSpecialTokens: golden.special,
                        maxLength: golden.limit.map { max($0, 6) },
                        into: &ids,
                        typeIDs: &typeIDs
                    )
                }
                guard let pair else { return try encode(nil) }
                return try pair.withUnsafeBufferPointer { (pair) throws(TokenizationError) in try encode(pair) }
            }
            #expect(ids == [-7] + whole.ids && typeIDs == [-7] + whole.typeIDs && truncated == whole.truncated)
        }
    }

    @Test(arguments: ["uncased", "added"]) func decodesAsTheReference(configuration: String) throws {
        let tokenizer = try GoldenFiles.tokenizer(configuration)
        let cases = try GoldenFiles.decoded().filter { $0.config == configuration }
        try #require(cases.count >= 60)
        for golden in cases {
            let text = tokenizer.decode(golden.ids)
            let ordinary = tokenizer.decode(golden.ids, skipsSpecialTokens: true)
            #expect(text.utf8.elementsEqual(golden.text.utf8), "\(golden.ids)")
            #expect(ordinary.utf8.elementsEqual(golden.ordinary.utf8), "\(golden.ids)")
        }
    }

    @Test func spacesAreCleanedUpAcrossTokensWhenAskedFor() throws {
        var specification = try GoldenFiles.specification("uncased")
        let ids = try Tokenizer(specification).encode("it's . a", addSpecialTokens: false).ids
        #expect(try Tokenizer(specification).decode(ids) == "it ' s. a")
        specification.cleansUpSpaces = true
        #expect(try Tokenizer(specification).decode(ids) == "it's. a")
        specification.decoder = nil
        specification.cleansUpSpaces = false
        #expect(try Tokenizer(specification).decode(ids) == "it ' s . a")
    }

    private func windows(of golden: GoldenCase, _ tokenizer: Tokenizer) throws(TokenizationError) -> [Encoding] {
        guard let stride = golden.stride, let limit = golden.limit else {
            return [
                try tokenizer.encode(
                    golden.text,
                    pair: golden.pair,
                    addSpecialTokens: golden.special,
                    maxLength: golden.limit,
                    strategy: golden.truncation
                )
            ]
        }
        return try tokenizer.windows(
            golden.text,
            pair: golden.pair,
            addSpecialTokens: golden.special,
            maxLength: limit,
            stride: stride,
            strategy: golden.truncation
        ).encodings()
    }
}
