import Messages
import Tasks
import Wire

extension RerankRequest {
    var taskRequest: TaskRequest {
        .rerank(
            query: query,
            texts,
            RerankOptions(function: functionToApply.function, overlong: truncation.overlong ?? .truncate)
        )
    }
}

extension Messages.Relevance {
    init(_ result: Tasks.Relevance) {
        self.init(score: result.score, tokens: UInt32(clamping: result.tokens), truncated: result.truncated)
    }
}
