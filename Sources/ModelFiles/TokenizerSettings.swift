import JSON
import Tokenization

/// What the files beside a vocabulary say about a tokenizer, merged as `transformers` merges them:
/// `tokenizer_config.json`, and, unless that has an `added_tokens_decoder`, the older `special_tokens_map.json` and
/// `added_tokens.json`. Every file may be absent; the defaults are BERT's. Keys that change no answer (`backend`,
/// `is_local`, `padding_side`, …) are not read.
struct TokenizerSettings {
    /// The class that the tokenizer was saved from, without "Fast", also where config.json alone names it; nil where no
    /// file says.
    private(set) var tokenizerClass: String?
    private(set) var lowercase = true
    private(set) var handleChineseChars = true
    private(set) var stripAccents: Bool?
    private(set) var modelMaxLength: Int?
    /// Nil where no file says.
    private(set) var cleansUpSpaces: Bool?
    /// Whether the model is told which of two texts a token is of (`model_input_names`); nil where no file says.
    private(set) var givesTypes: Bool?
    /// The special tokens by their keys, `cls_token` for example.
    private(set) var specialTokens = [
        "unk_token": "[UNK]", "cls_token": "[CLS]", "sep_token": "[SEP]", "pad_token": "[PAD]", "mask_token": "[MASK]",
    ]
    /// Special tokens beyond those five.
    private(set) var additionalSpecialTokens: [String] = []
    /// Added tokens that the settings give an id.
    private(set) var addedTokens: [AddedToken] = []

    static let fileName = "tokenizer_config.json"
    static let specialTokensFileName = "special_tokens_map.json"
    static let addedTokensFileName = "added_tokens.json"

    init(directory: String, files: FolderFiles) throws(ModelFilesError) {
        var hasDecoder = false
        if let file = try Self.read(directory, Self.fileName, files) {
            try readConfiguration(file)
            try readSpecialTokens(file)
            if let decoder = try file.member("added_tokens_decoder") {
                hasDecoder = true
                for (key, node) in try decoder.members() {
                    guard let id = Int32(key), id >= 0 else {
                        throw decoder.mismatch("an object whose keys are token ids; \(quoted(key)) is not one")
                    }
                    addedTokens.append(try AddedToken(node, id: id))
                }
            }
        }
        if tokenizerClass == nil, let file = try Self.read(directory, ModelConfiguration.fileName, files) {
            tokenizerClass = try Self.tokenizerClass(file)
        }
        guard !hasDecoder else { return }
        if let file = try Self.read(directory, Self.specialTokensFileName, files) { try readSpecialTokens(file) }
        if let file = try Self.read(directory, Self.addedTokensFileName, files) {
            for (content, node) in try file.members() {
                let special = isSpecial(content)
                let id = Int32(try node.integer(in: 0...Int(Int32.max)))
                addedTokens.append(AddedToken(content: content, id: id, normalized: !special, special: special))
            }
        }
    }

    /// Whether a token is one of the special ones.
    func isSpecial(_ content: String) -> Bool {
        let exact = ExactString(content)
        return specialTokens.values.contains { ExactString($0) == exact }
            || additionalSpecialTokens.contains { ExactString($0) == exact }
    }

    private static func read(_ directory: String, _ name: String, _ files: FolderFiles) throws(ModelFilesError)
        -> JSONNode?
    {
        let path = join(directory, name)
        return files.exists(path) ? try JSONNode(readingFile: path, from: files, blame: .malformedTokenizer) : nil
    }

    private mutating func readConfiguration(_ file: JSONNode) throws(ModelFilesError) {
        tokenizerClass = try Self.tokenizerClass(file)
        lowercase = try file.member("do_lower_case")?.bool() ?? true
        handleChineseChars = try file.member("tokenize_chinese_chars")?.bool() ?? true
        stripAccents = try file.member("strip_accents")?.bool()
        cleansUpSpaces = try file.member("clean_up_tokenization_spaces")?.bool()
        if let node = try file.member("model_max_length"), !Self.isUnlimited(node) {
            modelMaxLength = try node.integer(in: 1...Int(Int32.max))
        }
        if let names = try file.member("model_input_names")?.elements() {
            givesTypes = false
            for node in names where try node.string() == "token_type_ids" { givesTypes = true }
        }
        if let side = try file.member("truncation_side"), try side.string() != "right" {
            throw side.mismatch("\"right\", the one side that is implemented")
        }
        if let node = try file.member("split_special_tokens"), try node.bool() {
            throw node.mismatch("false; taking special tokens in a text apart is not implemented")
        }
    }

    private static func tokenizerClass(_ file: JSONNode) throws(ModelFilesError) -> String? {
        guard let name = try file.member("tokenizer_class")?.string() else { return nil }
        return name.hasSuffix("Fast") && name != "PreTrainedTokenizerFast" ? String(name.dropLast(4)) : name
    }

    /// "No limit" is written as 10^30, or as Python's infinity.
    private static func isUnlimited(_ node: JSONNode) -> Bool {
        switch node.value {
        case .integer(let number): number > Int(Int32.max)
        case .number(let number): number > Double(Int32.max)
        case .notFinite(let word, _): word == "Infinity"
        default: false
        }
    }

    private mutating func readSpecialTokens(_ file: JSONNode) throws(ModelFilesError) {
        for key in specialTokens.keys {
            if let node = try file.member(key) { specialTokens[key] = try Self.content(node) }
        }
        for key in ["bos_token", "eos_token"] {
            if let node = try file.member(key) { additionalSpecialTokens.append(try Self.content(node)) }
        }
        // `extra_special_tokens` is the name since version 5, where 4 has tokens of one model under it, by their names.
        for key in ["additional_special_tokens", "extra_special_tokens"] {
            guard let node = try file.member(key) else { continue }
            if case .object = node.value {
                for (_, token) in try node.members() { additionalSpecialTokens.append(try Self.content(token)) }
            } else {
                for token in try node.elements() { additionalSpecialTokens.append(try Self.content(token)) }
            }
        }
    }

    /// A token is written as a string or as an object with its `content`.
    private static func content(_ node: JSONNode) throws(ModelFilesError) -> String {
        if case .object = node.value { return try node.required("content").string() }
        return try node.string()
    }
}

extension AddedToken {
    /// Reads a token as `tokenizers` writes it.
    init(_ node: JSONNode, id: Int32) throws(ModelFilesError) {
        let special = try node.member("special")?.bool() ?? false
        self.init(
            content: try node.required("content").string(),
            id: id,
            singleWord: try node.member("single_word")?.bool() ?? false,
            lstrip: try node.member("lstrip")?.bool() ?? false,
            rstrip: try node.member("rstrip")?.bool() ?? false,
            normalized: try node.member("normalized")?.bool() ?? !special,
            special: special
        )
    }
}
