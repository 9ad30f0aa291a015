import Foundation
import JSON
import ModelFiles
import TestSupport
import Testing
import Tokenization

/// Cut vocabularies. Their folders are left, with the ids that texts have here, in the folder that
/// DISTILLERY_WRITTEN_FOLDERS names, where `ops/compare-written-folders` asks `transformers` about them.
@Suite struct VocabularyCutTests {
    private static let kept = ProcessInfo.processInfo.environment["DISTILLERY_WRITTEN_FOLDERS"]
    private static let texts = [
        "Hello hello, café!", "helloworld worlds", "the [MASK] of 世界", "unseen ☃ snow", "abcab abx",
        "hello <ent> world",
    ]

    /// Specials in odd places; pieces that single characters do not make ("é" and "##x" are missing).
    private static let words = [
        "[unused0]", "the", "[PAD]", "[CLS]", "[unused1]", "[UNK]", "hello", "world", "##world", "##s", "café", "!",
        ",", "世",
        "界", "[SEP]", "[MASK]", "h", "e", "l", "o", "w", "r", "d", "c", "a", "f", "##a", "##b", "##c", "##e", "##l",
        "##o", "##r",
        "##d", "##w", "ab", "##ca", "##cab", "##bx", "of", "o", "##f", "never", "##ever", "u", "##n", "##see",
    ]

    private func vocabularyText(_ words: [String]) -> String { words.map { $0 + "\n" }.joined() }

    private func write(_ folder: TemporaryFolder, isSerialized: Bool) throws {
        let words = Self.words
        func id(_ token: String) -> Int { words.lastIndex(of: token) ?? words.count }
        func added(_ token: String, special: Bool) -> JSONValue {
            .object([
                "id": .integer(id(token)), "content": .string(token), "single_word": .bool(false),
                "lstrip": .bool(false),
                "rstrip": .bool(false), "normalized": .bool(!special), "special": .bool(special),
            ])
        }
        let specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
        if isSerialized {
            var vocabulary: [(key: String, value: JSONValue)] = []
            for word in Set(words).sorted() { vocabulary.append((word, .integer(id(word)))) }
            // "o" is there twice: its first id is another token's here.
            vocabulary.append(("[unused2]", .integer(words.firstIndex(of: "o") ?? 0)))
            func piece(_ kind: String, _ name: String, _ type: Int) -> JSONValue {
                .object([kind: .object(["id": .string(name), "type_id": .integer(type)])])
            }
            func template(_ token: String) -> (key: String, value: JSONValue) {
                let entry: JSONObject = [
                    "id": .string(token), "ids": .array([.integer(id(token))]), "tokens": .array([.string(token)]),
                ]
                return (token, .object(entry))
            }
            let single = [
                piece("SpecialToken", "[CLS]", 0), piece("Sequence", "A", 0), piece("SpecialToken", "[SEP]", 0),
            ]
            let pair = single + [piece("Sequence", "B", 1), piece("SpecialToken", "[SEP]", 1)]
            let file: JSONObject = [
                "version": .string("1.0"), "truncation": .null,
                "padding": .object([
                    "strategy": .string("BatchLongest"), "direction": .string("Right"), "pad_to_multiple_of": .null,
                    "pad_id": .integer(id("[PAD]")), "pad_type_id": .integer(0), "pad_token": .string("[PAD]"),
                ]),
                "added_tokens": .array(specials.map { added($0, special: true) } + [added("<ent>", special: false)]),
                "normalizer": .object([
                    "type": .string("BertNormalizer"), "clean_text": .bool(true), "handle_chinese_chars": .bool(true),
                    "strip_accents": .bool(false), "lowercase": .bool(true),
                ]),
                "pre_tokenizer": .object(["type": .string("BertPreTokenizer")]),
                "post_processor": .object([
                    "type": .string("TemplateProcessing"), "single": .array(single), "pair": .array(pair),
                    "special_tokens": .object(JSONObject([template("[CLS]"), template("[SEP]")])),
                ]),
                "decoder": .null,
                "model": .object([
                    "type": .string("WordPiece"), "unk_token": .string("[UNK]"),
                    "continuing_subword_prefix": .string("##"), "max_input_chars_per_word": .integer(100),
                    "vocab": .object(JSONObject(vocabulary)),
                ]),
            ]
            try folder.write("source/tokenizer.json", JSONValue.object(file).fileText)
        }
        try folder.write("source/vocab.txt", vocabularyText(words))
        let decoder = (specials.map { ($0, true) } + [("<ent>", false)]).map { token, special in
            (key: "\(id(token))", value: added(token, special: special).without("id"))
        }
        let settings: JSONObject = [
            "added_tokens_decoder": .object(JSONObject(decoder)), "do_lower_case": .bool(true),
            "strip_accents": .bool(false), "tokenizer_class": .string("BertTokenizer"),
            "model_max_length": .integer(64), "pad_token": .string("[PAD]"),
        ]
        try folder.write("source/tokenizer_config.json", JSONValue.object(settings).fileText)
        try folder.write("source/special_tokens_map.json", "{\"cls_token\": \"[CLS]\"}")
    }

    private func ids(_ tokenizer: Tokenizer, _ text: String) throws -> [Int32] { try tokenizer.encode(text).ids }

    private func tokens(_ tokenizer: Tokenizer, _ text: String) throws -> [String] {
        try ids(tokenizer, text).map { try #require(tokenizer.token(for: $0)) }
    }

    /// Cuts a folder's vocabulary for texts, and reads what is written.
    private func cut(
        _ source: String,
        _ texts: [String],
        size: Int,
        to target: String
    ) throws -> (old: Tokenizer, new: Tokenizer, cut: VocabularyCut) {
        let old = try Tokenizer(try TokenizerFiles.load(directory: source))
        var words: [[Int32]: Int] = [:]
        for text in texts {
            for word in VocabularyCut.words(in: try ids(old, text), old) { words[word, default: 0] += 1 }
        }
        let cut = VocabularyCut(old.specification, words: words, size: size)
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        for file in try cut.files(of: source) { try file.write(to: target) }
        return (old, try Tokenizer(try TokenizerFiles.load(directory: target)), cut)
    }

    /// Leaves the folder for other readers.
    private func keep(_ name: String, _ cut: VocabularyCut, _ old: Tokenizer, _ new: Tokenizer, _ texts: [String])
        throws
    {
        guard let kept = Self.kept else { return }
        var configuration = ModelConfiguration(
            family: .bert,
            architecture: "BertModel",
            hiddenSize: 32,
            layers: 1,
            heads: 2,
            intermediateSize: 32,
            activation: .gelu,
            vocabularySize: cut.kept.count,
            maxPositions: 64,
            typeVocabularySize: 2,
            layerNormEpsilon: 1e-12,
            padTokenID: nil,
            labels: [],
            problemType: nil
        )
        configuration.padTokenID = old.id(of: "[PAD]").flatMap { cut.newID(Int($0)) }
        try configuration.file(architecture: "BertModel", elementType: .float32).write(to: "\(kept)/\(name)")
        let all = try texts.map { text in JSONValue.array(try ids(new, text).map { .integer(Int($0)) }) }
        let answer: JSONObject = ["texts": .array(texts.map { .string($0) }), "ids": .array(all)]
        try JSONValue.object(answer).fileText.write(toFile: "\(kept)/\(name).json", atomically: true, encoding: .utf8)
    }

    @Test(arguments: [false, true], [1, 36, 1000])
    func nothingBecomesUnknownThatWasNot(_ isSerialized: Bool, _ size: Int) throws {
        let folder = try TemporaryFolder()
        try write(folder, isSerialized: isSerialized)
        let name = "cut-\(isSerialized ? "serialized" : "vocabulary")-\(size)"
        let target = Self.kept.map { "\($0)/\(name)" } ?? folder("target")
        let (old, new, cut) = try cut(folder("source"), Self.texts, size: size, to: target)
        #expect(cut.kept == cut.kept.sorted() && cut.kept.count == Int(new.specification.vocabulary.count) + 1)
        for (place, id) in cut.kept.enumerated() {
            #expect(old.token(for: Int32(id)) == new.token(for: Int32(place)) && cut.newID(id) == place)
        }
        for text in Self.texts {
            let (before, after) = (try tokens(old, text), try tokens(new, text))
            #expect(before.filter { $0 == "[UNK]" } == after.filter { $0 == "[UNK]" }, "\(text): \(after)")
            func joined(_ tokens: [String]) -> String {
                tokens.joined(separator: " ").replacingOccurrences(of: " ##", with: "")
            }
            #expect(joined(before) == joined(after))
            // With room for all that occur nothing is split otherwise.
            if size == 1000 { #expect(before == after) }
        }
        let names = cut.kept.compactMap { old.token(for: Int32($0)) }
        #expect(!names.contains { $0.hasPrefix("[unused") } && !names.contains("never"))
        #expect(
            Set(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "<ent>", "café", "a", "##b"]).isSubset(of: names)
        )
        // Words are kept by how often they occur: "hello" is in three texts, "of" in one.
        #expect(names.contains("hello") == (size > 1) && names.contains("of") == (size == 1000))
        try keep(name, cut, old, new, Self.texts)
    }

    /// "##d" is no piece, so that "abcd" cannot be made of letters.
    @Test func aWordKeepsItsPiecesWhereLettersDoNotMakeIt() throws {
        let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "##c", "ab", "##cd", "##bc"]
        let specification = TokenizerSpecification(vocabulary: TokenList(words))
        let letters = VocabularyCut(specification, words: [[5, 10]: 9], size: 1)
        #expect(letters.kept == [0, 1, 2, 3, 4, 5, 6, 7])
        let pieces = VocabularyCut(specification, words: [[8, 9]: 1, [5, 10]: 9], size: 1)
        #expect(pieces.kept == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
        // The most frequent of what is left.
        #expect(VocabularyCut(specification, words: [[5, 10]: 9, [8]: 3], size: 9).kept.last == 10)
    }

    @Test func aRealVocabularyIsCut() throws {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache"
        let source = cache + "/distillery/models/minilm/1"
        guard FileManager.default.fileExists(atPath: source + "/vocab.txt") else { return }
        let texts = [
            "The quick brown fox jumps over the lazy dog.", "naïve café — 42!", "Unbelievable, incomprehensible things",
            "東京 is 1,000 km away; ประเทศไทย", "नमस्ते दुनिया",
        ]
        let folder = try TemporaryFolder()
        let target = Self.kept.map { "\($0)/cut-minilm" } ?? folder("target")
        let (old, new, cut) = try cut(source, texts, size: 300, to: target)
        #expect(cut.kept.count <= 300)
        for text in texts {
            let unknown = { (tokens: [String]) in tokens.filter { $0 == "[UNK]" }.count }
            #expect(unknown(try tokens(old, text)) == unknown(try tokens(new, text)))
        }
        try keep("cut-minilm", cut, old, new, texts)
    }
}

extension JSONValue {
    fileprivate func without(_ key: String) -> JSONValue {
        guard case .object(let object) = self else { return self }
        return .object(JSONObject(object.members.filter { $0.key != key }))
    }
}
