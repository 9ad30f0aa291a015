/// The answer to a request: one element a text, in order.
package enum TaskResult: Sendable, Equatable {
    case classify([Classification])
    case embed([Embedding])
    case features([Features])
    case tokenize([TokenizedText])
    case tag([TaggedText])
    case answer([QuestionAnswers])
    case fillMask([FilledText])
    case zeroShot([Classification])
    case rerank([Relevance])
    case multipleChoice([ChoiceScores])
    /// All tensors together, and the tokens that were computed.
    case infer([RawTensor], tokens: Int)
}

/// A label and its score.
package struct LabelScore: Sendable, Equatable {
    package let label: String
    package let score: Float

    package init(label: String, score: Float) {
        self.label = label
        self.score = score
    }
}

/// Why a request was not answered. `message` begins with the name of the field at fault, as the wire format has it.
package struct TaskError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The request is at fault.
        case invalidArgument
        /// No model does that.
        case unsupported
        /// The worker is at fault.
        case `internal`
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// `field` cannot be as it is.
    static func invalid(_ field: String, _ reason: String) -> TaskError {
        TaskError(.invalidArgument, "\(field): \(reason)")
    }

    package var description: String { message }
}
