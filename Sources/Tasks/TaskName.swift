import DistilBERT

/// The tasks by the names that people use.
package enum TaskName: String, Sendable, CaseIterable {
    case classify, embed, features, tokenize, tag, answer
    case fillMask = "fill-mask"
    case zeroShot = "zero-shot"
    case rerank
    case multipleChoice = "multiple-choice"
    case infer

    /// Whether a model with that head does it.
    func isDone(by head: Head?) -> Bool {
        switch self {
        case .embed, .features, .tokenize, .infer: return true
        case .classify:
            if case .sequenceClassification(let labels) = head { return labels > 0 }
        case .zeroShot:
            if case .sequenceClassification(let labels) = head { return labels > 1 }
        case .rerank:
            if case .sequenceClassification(let labels) = head { return labels == 1 }
        case .tag:
            if case .tokenClassification(let labels) = head { return labels > 0 }
        case .answer: return head == .questionAnswering
        case .fillMask:
            if case .maskedLM = head { return true }
        case .multipleChoice: return head == .multipleChoice
        }
        return false
    }

    /// Whether a cross-encoder does it whose modules make so many scores of a pair of texts.
    func isDone(byScores scores: Int) -> Bool {
        switch self {
        case .classify: scores > 0
        case .rerank: scores == 1
        default: false
        }
    }
}
