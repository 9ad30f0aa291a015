import Foundation
import Testing
import Tokenization

/// A tokenizer's settings as `ops/golden-tokenizer` writes them.
struct GoldenConfiguration: Decodable {
    struct Token: Decodable {
        var content: String
        var id: Int32
        var single_word: Bool
        var lstrip: Bool
        var rstrip: Bool
        var normalized: Bool
        var special: Bool
    }

    var clean_text: Bool
    var handle_chinese_chars: Bool
    var strip_accents: Bool?
    var lowercase: Bool
    var max_input_chars_per_word: Int
    var added_tokens: [Token]

    func specification(_ vocabulary: [String]) -> TokenizerSpecification {
        TokenizerSpecification(
            vocabulary: TokenList(vocabulary),
            addedTokens: added_tokens.map {
                AddedToken(
                    content: $0.content,
                    id: $0.id,
                    singleWord: $0.single_word,
                    lstrip: $0.lstrip,
                    rstrip: $0.rstrip,
                    normalized: $0.normalized,
                    special: $0.special
                )
            },
            maxInputCharsPerWord: max_input_chars_per_word,
            cleanText: clean_text,
            handleChineseChars: handle_chinese_chars,
            lowercase: lowercase,
            stripAccents: strip_accents
        )
    }
}

/// One call of the reference and what it answered.
struct GoldenCase: Decodable {
    var config: String
    var text: String
    var pair: String?
    var special: Bool
    var limit: Int?
    var stride: Int?
    var strategy: String
    /// For each window: ids, type ids, starts, ends, word ids, special mask. Nil where the reference refuses.
    var expected: [[[Int32]]]?

    var truncation: TruncationStrategy {
        switch strategy {
        case "only_first": .onlyFirst
        case "only_second": .onlySecond
        default: .longestFirst
        }
    }
}

/// Ids and the texts that they stand for, with all tokens and without special ones.
struct DecodedCase: Decodable {
    var config: String
    var ids: [Int32]
    var text: String
    var ordinary: String
}

enum GoldenFiles {
    static let folder = Bundle.module.url(forResource: "Golden", withExtension: nil)!
    static let vocabulary = (try? lines(of: folder.appending(path: "vocabulary.txt"))) ?? []

    static func lines(of url: URL) throws -> [String] {
        let lines = try String(decoding: Data(contentsOf: url), as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false)
        return lines.dropLast().map(String.init)
    }

    static func configurations() throws -> [String: GoldenConfiguration] {
        try JSONDecoder()
            .decode([String: GoldenConfiguration].self, from: Data(contentsOf: folder.appending(path: "configs.json")))
    }

    static func specification(_ name: String) throws -> TokenizerSpecification {
        try #require(configurations()[name]).specification(vocabulary)
    }

    static func tokenizer(_ name: String) throws -> Tokenizer {
        try #require(tokenizers[name]).get()
    }

    /// Built once: without optimization that takes a while. All at the first use, because ThreadSanitizer does not see
    /// the order that a Mutex around a cache would bring.
    private static let tokenizers: [String: Result<Tokenizer, any Error>] = {
        let names = (try? configurations().keys).map { Array($0) } ?? []
        return Dictionary(
            uniqueKeysWithValues: names.map { name in (name, Result { try Tokenizer(specification(name)) }) }
        )
    }()

    static func decoded() throws -> [DecodedCase] {
        try lines(of: folder.appending(path: "decoded.jsonl")).map {
            try JSONDecoder().decode(DecodedCase.self, from: Data($0.utf8))
        }
    }

    static func cases() throws -> [GoldenCase] {
        try lines(of: folder.appending(path: "cases.jsonl")).map {
            try JSONDecoder().decode(GoldenCase.self, from: Data($0.utf8))
        }
    }
}

extension Encoding {
    /// The rows of a golden case.
    var rows: [[Int32]] {
        [ids, typeIDs, offsets.map(\.start), offsets.map(\.end), wordIDs, special.map { $0 ? 1 : 0 }]
    }

    /// FNV-1a, 32 bits, over ids, starts, ends and word ids as little-endian 32-bit integers.
    var digest: String {
        var hash: UInt32 = 0x811C_9DC5
        for value in ids + offsets.map(\.start) + offsets.map(\.end) + wordIDs {
            for shift in stride(from: 0, to: 32, by: 8) {
                hash = (hash ^ UInt32(truncatingIfNeeded: value >> Int32(shift)) & 0xFF) &* 0x0100_0193
            }
        }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
