import Foundation
import Testing
import Tokenization

/// A folder with `vocab.txt` and `texts.jsonl`, as `ops/real-texts` or `ops/golden-tokenizer --random` leaves it.
private let folder = ProcessInfo.processInfo.environment["DISTILLERY_TOKENIZER_GOLDEN"].map { URL(filePath: $0) }

/// The whole vocabulary of a real model on thousands of texts, compared by hashes.
@Suite(.enabled(if: folder != nil, "set DISTILLERY_TOKENIZER_GOLDEN to a folder that ops/real-texts made"))
struct RealTextTests {
    @Test func agreesWithTheReference() throws {
        let folder = try #require(folder)
        let vocabulary = try GoldenFiles.lines(of: folder.appending(path: "vocab.txt"))
        let own = folder.appending(path: "config.json")
        let specification: TokenizerSpecification
        let hashes: [String]
        if FileManager.default.fileExists(atPath: own.path) {
            let configuration = try JSONDecoder().decode(GoldenConfiguration.self, from: Data(contentsOf: own))
            specification = configuration.specification(vocabulary)
            hashes = try GoldenFiles.lines(of: folder.appending(path: "hashes"))
        } else {
            let special = try ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].map {
                AddedToken(content: $0, id: Int32(try #require(vocabulary.firstIndex(of: $0))))
            }
            specification = TokenizerSpecification(vocabulary: TokenList(vocabulary), addedTokens: special)
            hashes = try GoldenFiles.lines(of: GoldenFiles.folder.appending(path: "real-texts.hashes"))
        }
        let tokenizer = try Tokenizer(specification)
        let texts = try GoldenFiles.lines(of: folder.appending(path: "texts.jsonl")).map {
            try JSONDecoder().decode(String.self, from: Data($0.utf8))
        }
        try #require(texts.count == hashes.count && texts.count >= 4000)
        var different: [String] = []
        for (text, hash) in zip(texts, hashes) where try tokenizer.encode(text).digest != hash {
            different.append(text)
        }
        #expect(different.isEmpty, "\(different.count) of \(texts.count), the first: \(different.prefix(3))")
    }
}
