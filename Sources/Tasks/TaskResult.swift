package import Tokenization

/// A label and its score.
package struct LabelScore: Sendable, Equatable {
    package let label: String
    package let score: Float
}

/// The answer to one text of a classify request: labels, best first.
package struct Classification: Sendable, Equatable {
    package let scores: [LabelScore]
    package let tokens: Int
    package let truncated: Bool
}

/// The answer to one text of an embed request.
package struct Embedding: Sendable, Equatable {
    package let values: [Float]
    package let tokens: Int
    package let truncated: Bool
}

/// The answer to one text of a features request: the last hidden state, [tokens, hidden], row by row.
package struct Features: Sendable, Equatable {
    package let values: [Float]
    package let tokens: Int
    package let hidden: Int
    package let truncated: Bool
}

/// The answer to one text of a tokenize request.
package struct TokenizedText: Sendable, Equatable {
    package let encoding: Encoding
    /// The tokens' texts, as the vocabulary has them.
    package let tokens: [String]
}

/// The answer to a request: one element a text, in order.
package enum TaskResult: Sendable, Equatable {
    case classify([Classification])
    case embed([Embedding])
    case features([Features])
    case tokenize([TokenizedText])
}

/// Why a request was not answered. `message` names the field.
package struct TaskError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The request is at fault.
        case invalidArgument
        /// This model does not do that.
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

    package var description: String { message }
}
