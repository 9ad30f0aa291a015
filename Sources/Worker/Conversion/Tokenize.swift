import Messages
import Tasks
import Tokenization
import Wire

extension TokenizeRequest {
    var taskRequest: TaskRequest {
        .tokenize(
            inputs.map(TaskText.init),
            TokenizeOptions(specialTokens: !withoutSpecialTokens, overlong: truncation.overlong)
        )
    }
}

extension TextEncoding {
    init(_ text: TokenizedText) {
        let encoding = text.encoding
        self.init(
            ids: encoding.ids.map(UInt32.init),
            typeIDs: encoding.typeIDs.map(UInt32.init),
            starts: encoding.offsets.map { UInt32($0.start) },
            ends: encoding.offsets.map { UInt32($0.end) },
            special: encoding.special,
            wordIDs: encoding.wordIDs,
            tokens: text.tokens,
            truncated: encoding.truncated
        )
    }
}
