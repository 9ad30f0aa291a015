import DistilBERT
import Messages
import ModelFiles
import Tokenization

extension Model {
    /// Refuses what is most likely a caller's mistake, before it becomes a meaningless answer: a text of no character
    /// where `transformers` raises or answers from the special tokens alone, and U+0000, which other programs cut at.
    ///
    /// The second text of a pair may be empty: classify and features take it for none, as the pipelines do; elsewhere the
    /// model sees `[CLS] text [SEP] [SEP]`.
    func check(_ text: String, _ field: String, mayBeEmpty: Bool = false) throws(TaskError) {
        guard mayBeEmpty || !text.isEmpty else { throw .invalid(field, "the text is empty; give one") }
        if let position = text.utf8.firstIndex(of: 0) {
            let offset = text.unicodeScalars.distance(from: text.startIndex, to: position)
            throw .invalid(field, "the text holds U+0000 as its character \(offset); remove it")
        }
    }

    /// Checks both texts of a pair.
    func check(_ text: TextInput, _ field: String) throws(TaskError) {
        try check(text.text, "\(field).text")
        if let pair = text.pair { try check(pair, "\(field).text_pair", mayBeEmpty: true) }
    }

    /// Refuses two texts where the model has no type for the tokens of the second.
    func checkPair(_ field: String) throws(TaskError) {
        guard !takesPairs else { return }
        let types = configuration.typeVocabularySize
        throw .invalid(
            field,
            "the model has \(types) token type\(types == 1 ? "" : "s") (`type_vocab_size`) and takes no pairs of texts"
        )
    }

    /// One text, or pair, as one sequence.
    ///
    /// - Parameters:
    ///   - field: the text's name in messages.
    ///   - pairField: what is at fault when the second text is not cut and leaves no room for the first.
    ///   - limit: where it is cut if `truncation` says so; `textLimit` if not given.
    ///   - strategy: which text of a pair gives up tokens.
    func encode(
        _ text: TextInput,
        _ field: String,
        pairField: String? = nil,
        _ truncation: Truncation,
        limit: Int? = nil,
        strategy: TruncationStrategy = .longestFirst
    ) throws(TaskError) -> (sequence: TokenSequence, truncated: Bool) {
        try truncation.refuseWindows()
        if text.pair != nil { try checkPair(field) }
        var sequence = TokenSequence(ids: [])
        let truncated: Bool
        do throws(TokenizationError) {
            truncated = try withUTF8(text) { (first, second) throws(TokenizationError) in
                try tokenizer.encodeIDs(
                    first,
                    pair: second,
                    maxLength: truncation == .truncate ? limit ?? textLimit : nil,
                    strategy: strategy,
                    into: &sequence.ids,
                    typeIDs: &sequence.types
                )
            }
        } catch {
            if error.code == .lengthTooShort, let pairField { throw noRoom(pairField) }
            throw .invalid(field, error.message)
        }
        try check(length: sequence.ids.count, field, limit: truncation == .truncate ? maxTokens : limit ?? maxTokens)
        try meter.add(tokens: sequence.ids.count, field)
        return (sequence, truncated)
    }

    /// One text with its offsets, cut to `limit` tokens or, without one, refused if the model cannot take it.
    func encoding(_ text: String, _ field: String, limit: Int?) throws(TaskError) -> Encoding {
        let result: Encoding
        do throws(TokenizationError) {
            result = try tokenizer.encode(text, maxLength: limit)
        } catch {
            throw .invalid(field, error.message)
        }
        try check(length: result.count, field, limit: maxTokens)
        try meter.add(tokens: result.count, field)
        return result
    }

    /// Refuses a sequence that the model cannot take.
    func check(length: Int, _ field: String, limit: Int) throws(TaskError) {
        guard length <= limit else {
            throw .invalid(
                field,
                "it has \(length) tokens, the model takes at most \(limit); shorten it or ask for truncation"
            )
        }
    }

    /// A second text that is too long to be beside any of the first.
    private func noRoom(_ field: String) -> TaskError {
        .invalid(field, "it leaves no room for the text in the \(textLimit) tokens that the model takes; shorten it")
    }

    /// Windows of the whole text, or of the first of a pair, each with the whole second one.
    ///
    /// - Parameter stride: the tokens that neighbouring windows share; nil: a quarter of the model's.
    func windows(_ text: TextInput, _ field: String, stride: Int?) throws(TaskError) -> [Encoding] {
        if text.pair != nil { try checkPair(field) }
        let specials = text.pair == nil ? 2 : 3
        let overlap = stride ?? textLimit / 4
        guard overlap < textLimit - specials else {
            throw .invalid(
                "stride",
                "windows of \(textLimit) tokens, \(specials) of them special, cannot share \(overlap); ask for fewer"
            )
        }
        let windows: TokenWindows
        do throws(TokenizationError) {
            windows = try tokenizer.windows(
                text.text,
                pair: text.pair,
                maxLength: textLimit,
                stride: overlap,
                strategy: text.pair == nil ? .longestFirst : .onlyFirst
            )
        } catch {
            // Without a stride of the caller's, only the pair can leave too little.
            if text.pair != nil, error.code == .lengthTooShort || stride == nil { throw noRoom("\(field)_pair") }
            throw .invalid(error.code == .strideTooLong ? "stride" : field, error.message)
        }
        try meter.add(sequences: windows.count, tokens: windows.tokens, field)
        return windows.encodings()
    }
}

extension TokenSequence {
    init(_ encoding: Encoding, rows: Rows) {
        self.init(ids: encoding.ids, types: encoding.typeIDs, rows: rows)
    }
}

/// Lends the UTF-8 of a text and its pair.
private func withUTF8<R>(
    _ text: TextInput,
    _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>?) throws(TokenizationError) -> R
) throws(TokenizationError) -> R {
    var first = text.text
    var second = text.pair
    var result: Result<R, TokenizationError>?
    first.withUTF8 { first in
        func call(_ second: UnsafeBufferPointer<UInt8>?) {
            do throws(TokenizationError) {
                result = .success(try body(first, second))
            } catch {
                result = .failure(error)
            }
        }
        if second != nil {
            second?.withUTF8 { call($0) }
        } else {
            call(nil)
        }
    }
    guard let result else { preconditionFailure("withUTF8 always calls its body") }
    return try result.get()
}
