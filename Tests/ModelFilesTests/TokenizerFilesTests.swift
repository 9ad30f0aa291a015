import ModelFiles
import TestSupport
import Testing
import Tokenization

@Suite struct TokenizerFilesTests {
    private static let words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "##b", "\u{E9}", "e\u{301}"]

    /// A `tokenizer.json` of ``words``; `replacing` exchanges the value of a top-level key.
    private func serialized(_ replacing: [String: String] = [:]) -> String {
        let vocabulary = Self.words.enumerated().map { "\"\($0.element)\": \($0.offset)" }.joined(separator: ", ")
        var members = [
            "truncation": "{\"max_length\": 128, \"strategy\": \"LongestFirst\", \"stride\": 0}",
            "added_tokens": """
            [{"id": 2, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false,
              "normalized": false, "special": true},
             {"id": 9, "content": "<ent>", "single_word": true, "lstrip": true, "rstrip": true,
              "normalized": true, "special": false}]
            """,
            "normalizer": """
            {"type": "BertNormalizer", "clean_text": false, "handle_chinese_chars": true, "strip_accents": true,
             "lowercase": true}
            """,
            "pre_tokenizer": "{\"type\": \"BertPreTokenizer\"}",
            "post_processor": """
            {"type": "TemplateProcessing",
             "single": [{"SpecialToken": {"id": "C", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                        {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
             "pair": [{"SpecialToken": {"id": "C", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                      {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}},
                      {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
             "special_tokens": {"C": {"id": "C", "ids": [2], "tokens": ["[CLS]"]},
                                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}}
            """,
            "model": """
            {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
             "max_input_chars_per_word": 50, "vocab": {\(vocabulary)}}
            """,
        ]
        members.merge(replacing) { $1 }
        return "{\(members.map { "\"\($0.key)\": \($0.value)" }.joined(separator: ", "))}"
    }

    private func load(_ files: [String: String]) throws -> TokenizerSpecification {
        let folder = try TemporaryFolder()
        for (name, text) in files { try folder.write(name, text) }
        return try TokenizerFiles.load(directory: folder.path)
    }

    @Test func readsHowTokensBecomeText() throws {
        let vocabulary = ["vocab.txt": Self.words.joined(separator: "\n")]
        let plain = try load(vocabulary)
        #expect(plain.decoder == WordPieceDecoder() && plain.cleansUpSpaces)
        let settings = ["tokenizer_config.json": "{\"clean_up_tokenization_spaces\": false}"]
        #expect(try !load(vocabulary.merging(settings) { $1 }).cleansUpSpaces)
        #expect(try load(["tokenizer.json": serialized()]).decoder == nil)
        let decoder = ["decoder": "{\"type\": \"WordPiece\", \"prefix\": \"@@\", \"cleanup\": false}"]
        let own = try load(["tokenizer.json": serialized(decoder)])
        #expect(own.decoder == WordPieceDecoder(prefix: "@@", cleansUp: false) && !own.cleansUpSpaces)
        #expect(throws: ModelFilesError.self) {
            try load(["tokenizer.json": serialized(["decoder": "{\"type\": \"BPEDecoder\"}"])])
        }
    }

    @Test func readsTokenizerJSON() throws {
        let specification = try load(["tokenizer.json": serialized()])
        #expect(specification.vocabulary.map { Array($0.utf8) } == Self.words.map { Array($0.utf8) })
        #expect(specification.maxInputCharsPerWord == 50 && !specification.cleanText)
        #expect(specification.lowercase && specification.handleChineseChars && specification.stripAccents == nil)
        let single: [TemplatePiece] = [
            .special(token: "[CLS]", typeID: 0), .first(typeID: 0), .special(token: "[SEP]", typeID: 0),
        ]
        #expect(specification.singleTemplate == single)
        #expect(specification.pairTemplate == single + [.second(typeID: 1), .special(token: "[SEP]", typeID: 1)])
        let entity = try #require(specification.addedTokens.first { $0.content == "<ent>" })
        #expect(entity.id == 9 && entity.singleWord && entity.lstrip && entity.rstrip)
        #expect(entity.normalized && !entity.special)
        let specials = specification.addedTokens.filter(\.special).map(\.content).sorted()
        #expect(specials == ["[CLS]", "[MASK]", "[PAD]", "[SEP]", "[UNK]"])
        #expect(try Tokenizer(specification).id(of: "[MASK]") == 4)
    }

    /// The class decides whether `do_lower_case`, or its default, wins over the file's normaliser, and whether the model is
    /// told of token types: as `transformers` 5.24 does it, and 4.57 for the classes that it knows.
    @Test(arguments: [
        ("BertTokenizer", true, true), ("BertTokenizerFast", true, true), ("DistilBertTokenizer", true, true),
        ("DistilBertTokenizerFast", true, true), ("ElectraTokenizer", true, true),
        ("MobileBertTokenizerFast", true, true),
        ("SqueezeBertTokenizer", true, true), ("LayoutLMTokenizer", true, true), ("LxmertTokenizer", true, true),
        ("MPNetTokenizer", true, true), ("DPRReaderTokenizer", true, true), ("", true, true),
        ("TokenizersBackend", false, false), ("PreTrainedTokenizerFast", false, true),
        ("PreTrainedTokenizer", false, true),
        ("MyTokenizer", false, true), ("ConvBertTokenizer", false, true), ("RetriBertTokenizer", false, true),
    ])
    func theContentCountsUnlessTheClassBuildsANormalizer(name: String, lowercases: Bool, givesTypes: Bool) throws {
        let cased = ["normalizer": "{\"type\": \"BertNormalizer\", \"lowercase\": false}"]
        let tokens =
            "\"backend\": \"tokenizers\", \"is_local\": true, \"local_files_only\": false, \"model_max_length\": 64"
        let settings = name.isEmpty ? "{\(tokens)}" : "{\"tokenizer_class\": \"\(name)\", \(tokens)}"
        let files = ["tokenizer.json": serialized(cased), "tokenizer_config.json": settings]
        let specification = try load(files)
        #expect(specification.lowercase == lowercases && specification.modelMaxLength == 64)
        #expect(specification.pairTemplate.map(\.typeID) == (givesTypes ? [0, 0, 0, 1, 1] : [0, 0, 0, 0, 0]))
        guard !name.isEmpty else { return }
        // config.json may name the class where tokenizer_config.json does not.
        var elsewhere = files
        elsewhere["tokenizer_config.json"] = "{\"do_lower_case\": null}"
        elsewhere["config.json"] = "{\"tokenizer_class\": \"\(name)\"}"
        #expect(try load(elsewhere).lowercase == lowercases)
    }

    @Test func readsWhatVersion5Saves() throws {
        func settings(_ members: String) -> [String: String] {
            let text = "{\"tokenizer_class\": \"TokenizersBackend\", \(members)}"
            return ["tokenizer.json": serialized(), "tokenizer_config.json": text]
        }
        let types = try load(settings("\"model_input_names\": [\"input_ids\", \"token_type_ids\", \"attention_mask\"]"))
        #expect(types.pairTemplate.map(\.typeID) == [0, 0, 0, 1, 1])
        let extra = try load(
            settings("\"extra_special_tokens\": [\"a\", {\"content\": \"##b\"}], \"eos_token\": \"\u{E9}\"")
        )
        #expect(
            ["a", "##b", "\u{E9}"].allSatisfy { token in
                extra.addedTokens.contains { $0.content == token && $0.special }
            }
        )
        let named = try load(
            settings("\"extra_special_tokens\": {\"image_token\": \"a\"}, \"model_max_length\": Infinity")
        )
        #expect(named.addedTokens.contains { $0.content == "a" && $0.special } && named.modelMaxLength == nil)
        for (members, reason) in [
            ("\"truncation_side\": \"left\"", "`truncation_side` must be \"right\""),
            ("\"split_special_tokens\": true", "`split_special_tokens` must be false"),
            ("\"model_max_length\": NaN", "it is NaN (line 1)"), ("\"model_max_length\": -1", "`model_max_length`"),
        ] {
            let error = #expect(throws: ModelFilesError.self) { try load(settings(members)) }
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
        let types4 =
            "{\"tokenizer_class\": \"BertTokenizer\", \"model_input_names\": [\"input_ids\", \"attention_mask\"]}"
        let without = try load(["tokenizer.json": serialized(), "tokenizer_config.json": types4])
        #expect(without.pairTemplate.map(\.typeID) == [0, 0, 0, 0, 0])
    }

    /// sentence-transformers puts `Lowercase` before the normaliser where a Transformer module has `do_lower_case`.
    @Test func sequencesOfNormalizersStay() throws {
        func normalizer(_ steps: String...) -> String {
            serialized(["normalizer": "{\"type\": \"Sequence\", \"normalizers\": [\(steps.joined(separator: ", "))]}"])
        }
        let cased = "{\"type\": \"BertNormalizer\", \"lowercase\": false, \"strip_accents\": null}"
        let lowercase = "{\"type\": \"Lowercase\"}"
        for settings in ["{\"tokenizer_class\": \"BertTokenizer\"}", "{\"tokenizer_class\": \"TokenizersBackend\"}"] {
            let both = try load(["tokenizer.json": normalizer(lowercase, cased), "tokenizer_config.json": settings])
            #expect(both.lowercase && both.stripAccents == false)
            let one = try load(["tokenizer.json": normalizer(cased), "tokenizer_config.json": settings])
            #expect(!one.lowercase && one.stripAccents == nil)
        }
        let nested = serialized([
            "pre_tokenizer": "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"BertPreTokenizer\"}]}"
        ])
        #expect(try load(["tokenizer.json": nested]).lowercase)
        for text in [
            normalizer(cased, lowercase), normalizer("{\"type\": \"NFC\"}", cased), normalizer(lowercase, lowercase),
            serialized(["pre_tokenizer": "{\"type\": \"Sequence\", \"pretokenizers\": []}"]),
            serialized([
                "pre_tokenizer":
                    "{\"type\": \"Sequence\", \"pretokenizers\": [{\"type\": \"BertPreTokenizer\"}, {\"type\": \"Digits\"}]}"
            ]),
        ] {
            let error = #expect(throws: ModelFilesError.self) { try load(["tokenizer.json": text]) }
            #expect(error?.code == .unsupportedTokenizer)
        }
    }

    /// `transformers` lets tokenizer_config.json, or the class's defaults, win over the file's own normaliser.
    @Test func settingsWinOverTheSerializedNormalizer() throws {
        let settings = """
            {"tokenizer_class": "BertTokenizer", "do_lower_case": false, "strip_accents": false,
             "tokenize_chinese_chars": false, "model_max_length": 128}
            """
        let own = try load(["tokenizer.json": serialized(), "tokenizer_config.json": settings])
        #expect(!own.lowercase && own.stripAccents == false && !own.handleChineseChars && own.modelMaxLength == 128)
        let generic = "{\"tokenizer_class\": \"PreTrainedTokenizerFast\", \"do_lower_case\": false}"
        let kept = try load(["tokenizer.json": serialized(), "tokenizer_config.json": generic])
        #expect(kept.lowercase && kept.stripAccents == true && kept.handleChineseChars)
    }

    @Test func readsOlderPostProcessors() throws {
        let bert = "{\"type\": \"BertProcessing\", \"sep\": [\"[SEP]\", 3], \"cls\": [\"[CLS]\", 2]}"
        let template = try load(["tokenizer.json": serialized()])
        #expect(
            try load(["tokenizer.json": serialized(["post_processor": bert])]).pairTemplate == template.pairTemplate
        )
        // BERT's class has its own template in version 5; a class of no model has none.
        let missing = serialized(["post_processor": "null"])
        #expect(try load(["tokenizer.json": missing]).pairTemplate == template.pairTemplate)
        let generic = "{\"tokenizer_class\": \"PreTrainedTokenizerFast\"}"
        let bare = try load(["tokenizer.json": missing, "tokenizer_config.json": generic])
        #expect(bare.singleTemplate == [.first(typeID: 0)])
        #expect(bare.pairTemplate == [.first(typeID: 0), .second(typeID: 1)])
    }

    @Test func refusesOtherKindsByName() throws {
        let cases: [(replacing: [String: String], reason: String)] = [
            (["model": "{\"type\": \"BPE\", \"vocab\": {}, \"merges\": []}"], "\"BPE\"; supported is WordPiece"),
            (["model": "{\"type\": \"Unigram\", \"vocab\": []}"], "\"Unigram\"; supported is WordPiece"),
            (["model": "{\"vocab\": {}}"], "names no kind"),
            (["normalizer": "{\"type\": \"NFC\"}"], "\"NFC\"; supported is BertNormalizer"),
            (["normalizer": "{\"type\": \"Sequence\", \"normalizers\": []}"], "\"Sequence\""),
            (["pre_tokenizer": "{\"type\": \"Whitespace\"}"], "\"Whitespace\"; supported is BertPreTokenizer"),
            (["pre_tokenizer": "null"], "names no kind"),
            (["post_processor": "{\"type\": \"RobertaProcessing\"}"], "\"RobertaProcessing\""),
        ]
        for (replacing, reason) in cases {
            let error = #expect(throws: ModelFilesError.self) { try load(["tokenizer.json": serialized(replacing)]) }
            #expect(error?.code == .unsupportedTokenizer, "\(String(describing: error))")
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
        let roberta = ["vocab.txt": "a\n", "tokenizer_config.json": "{\"tokenizer_class\": \"RobertaTokenizer\"}"]
        let error = #expect(throws: ModelFilesError.self) { try load(roberta) }
        #expect(error?.code == .unsupportedTokenizer && error?.description.contains("RobertaTokenizer") == true)
        for name in ["TokenizersBackend", "PreTrainedTokenizerFast", "MyTokenizer", "BertJapaneseTokenizer"] {
            let settings = "{\"tokenizer_class\": \"\(name)\"}"
            let bare = ["vocab.txt": Self.words.joined(separator: "\n"), "tokenizer_config.json": settings]
            let error = #expect(throws: ModelFilesError.self) { try load(bare) }
            #expect(error?.code == .unsupportedTokenizer && error?.description.contains(name) == true)
        }
        let japanese = [
            "tokenizer.json": serialized(), "tokenizer_config.json": "{\"tokenizer_class\": \"BertJapaneseTokenizer\"}",
        ]
        #expect(throws: ModelFilesError.self) { try load(japanese) }
        let electra = [
            "vocab.txt": Self.words.joined(separator: "\n"),
            "tokenizer_config.json": "{\"tokenizer_class\": \"ElectraTokenizer\"}",
        ]
        #expect(try load(electra).lowercase)
        let merges = #expect(throws: ModelFilesError.self) { try load(["vocab.json": "{}", "merges.txt": ""]) }
        #expect(merges?.code == .unsupportedTokenizer && merges?.description.contains("BPE") == true)
        let nothing = #expect(throws: ModelFilesError.self) { try load([:]) }
        #expect(nothing?.code == .missingFile && nothing?.description.contains("vocab.txt") == true)
    }

    @Test func refusesMalformedVocabularies() throws {
        func model(_ vocabulary: String) -> [String: String] {
            ["model": "{\"type\": \"WordPiece\", \"vocab\": \(vocabulary)}"]
        }
        let cases = [
            (["tokenizer.json": serialized(model("{\"a\": 0, \"b\": 0}"))], "an id of its own"),
            (["tokenizer.json": serialized(model("{\"a\": 0, \"b\": 5}"))], "no token has the id 1"),
            (["tokenizer.json": serialized(model("{\"a\": -1}"))], "must be an integer"),
            (["tokenizer.json": serialized(model("{\"a\": 99999999999}"))], "must be an integer"),
            (["tokenizer.json": serialized(model("{}"))], "at least one"),
            (["tokenizer.json": serialized(model("{\"a\": 0}"))], "lacks the token \"[UNK]\""),
            (["tokenizer.json": "{}"], "\"model\" is missing"),
            (["vocab.txt": ""], "empty"),
            (["vocab.txt": "[UNK]\n[SEP]\na\n"], "lacks the token \"[CLS]\""),
        ]
        for (files, reason) in cases {
            let error = #expect(throws: ModelFilesError.self) { try load(files) }
            #expect(error?.code == .malformedTokenizer, "\(String(describing: error))")
            #expect(error?.description.contains(reason) == true, "\(String(describing: error)) lacks: \(reason)")
        }
        let folder = try TemporaryFolder()
        try folder.write("vocab.txt", [0x61, 0x0A, 0xFF, 0x0A])
        let error = #expect(throws: ModelFilesError.self) { try TokenizerFiles.load(directory: folder.path) }
        #expect(error?.description.contains("line 2 is not UTF-8") == true)
    }

    @Test func readsVocabularyText() throws {
        let text = "[PAD]\n[UNK]\r\n[CLS]\r[SEP]\n[MASK]\n\ntwo words\n\u{2028}\nlast"
        let plain = try load(["vocab.txt": text])
        #expect(
            plain.vocabulary == ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "", "two words", "\u{2028}", "last"]
        )
        #expect(plain.lowercase && plain.handleChineseChars && plain.stripAccents == nil && plain.cleanText)
        #expect(plain.modelMaxLength == nil && plain.maskToken == "[MASK]")
        let settings = """
            {"do_lower_case": false, "tokenize_chinese_chars": false, "strip_accents": true,
             "tokenizer_class": "BertTokenizerFast", "model_max_length": 1000000000000000019884624838656}
            """
        let bare = try load(["vocab.txt": text, "tokenizer_config.json": settings])
        #expect(!bare.lowercase && !bare.handleChineseChars && bare.stripAccents == true && bare.modelMaxLength == nil)
    }

    @Test func readsAddedTokensOfBothAges() throws {
        let text = "<pad>\n<unk>\n<s>\n</s>\nword\n"
        let old = try load([
            "vocab.txt": text,
            "special_tokens_map.json": """
            {"unk_token": {"content": "<unk>", "lstrip": false}, "cls_token": "<s>", "sep_token": "</s>",
             "pad_token": "<pad>", "additional_special_tokens": ["word"]}
            """,
            "added_tokens.json": "{\"<new>\": 5}",
        ])
        #expect(old.classToken == "<s>" && old.separatorToken == "</s>" && old.unknownToken == "<unk>")
        #expect(old.padToken == "<pad>" && old.maskToken == nil)
        #expect(old.singleTemplate.first == .special(token: "<s>", typeID: 0))
        let new = try #require(old.addedTokens.first { $0.content == "<new>" })
        #expect(new.id == 5 && new.normalized && !new.special)
        #expect(old.addedTokens.contains { $0.content == "word" && $0.id == 4 && $0.special })
        let decoder = try load([
            "vocab.txt": text,
            "tokenizer_config.json": """
            {"unk_token": "<unk>", "cls_token": "<s>", "sep_token": "</s>",
             "added_tokens_decoder": {"5": {"content": "<x>", "lstrip": true, "normalized": false, "special": true}}}
            """,
            "added_tokens.json": "{\"<new>\": 5}",
        ])
        #expect(
            decoder.addedTokens.map(\.content).contains("<x>") && !decoder.addedTokens.map(\.content).contains("<new>")
        )
        #expect(try Tokenizer(decoder).idLimit == 6)
    }

    @Test func idsMustBeRowsOfTheModel() throws {
        let folder = try TemporaryFolder()
        try SeededCheckpoint(family: .bert).write(to: folder.path)
        try folder.write("added_tokens.json", "{\"<new>\": 1000}")
        let model = try ModelFolder(directory: folder.path)
        let error = #expect(throws: ModelFilesError.self) { try model.tokenizer() }
        #expect(error?.description.contains("ids up to 1000, and the model only 1000 words") == true)
    }
}
