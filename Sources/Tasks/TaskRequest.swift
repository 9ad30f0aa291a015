/// A text, or two for models that take a pair.
package struct TaskText: Sendable, Equatable {
    package var text: String
    package var pair: String?

    package init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }
}

/// What to do with a text of more tokens than the model takes.
package enum Overlong: Sendable, Equatable {
    /// Refuse the request.
    case error
    /// Leave out what does not fit, and say so in the result.
    case truncate
}

package struct ClassifyOptions: Sendable, Equatable {
    /// How logits become scores.
    package enum Function: Sendable, Equatable {
        case none, sigmoid, softmax
    }

    /// The number of labels to return, best first; nil: all.
    package var topK: Int?
    /// nil: as the checkpoint's `problem_type` says.
    package var function: Function?
    package var overlong: Overlong

    package init(topK: Int? = 1, function: Function? = nil, overlong: Overlong = .error) {
        self.topK = topK
        self.function = function
        self.overlong = overlong
    }
}

package struct EmbedOptions: Sendable, Equatable {
    package enum Pooling: Sendable, Equatable {
        case mean, cls, max
    }

    /// nil: the folder's sentence-transformers modules, or the mean where it has none.
    package var pooling: Pooling?
    /// Whether to scale to length 1; nil: as the folder's modules say.
    package var normalize: Bool?
    /// Keep the first dimensions only, and scale to length 1 again where the embedding was; nil: all.
    package var dimensions: Int?
    package var overlong: Overlong

    package init(
        pooling: Pooling? = nil,
        normalize: Bool? = nil,
        dimensions: Int? = nil,
        overlong: Overlong = .truncate
    ) {
        self.pooling = pooling
        self.normalize = normalize
        self.dimensions = dimensions
        self.overlong = overlong
    }
}

package struct TokenizeOptions: Sendable, Equatable {
    package var specialTokens: Bool
    package var overlong: Overlong?

    /// - Parameter overlong: nil: the text is tokenized whole, whatever its length.
    package init(specialTokens: Bool = true, overlong: Overlong? = nil) {
        self.specialTokens = specialTokens
        self.overlong = overlong
    }
}

/// One request for a model.
package enum TaskRequest: Sendable, Equatable {
    case classify([TaskText], ClassifyOptions)
    case embed([TaskText], EmbedOptions)
    case features([TaskText], Overlong)
    case tokenize([TaskText], TokenizeOptions)

    package var texts: [TaskText] {
        switch self {
        case .classify(let texts, _), .embed(let texts, _), .features(let texts, _), .tokenize(let texts, _): texts
        }
    }

    package var task: TaskName {
        switch self {
        case .classify: .classify
        case .embed: .embed
        case .features: .features
        case .tokenize: .tokenize
        }
    }
}

/// The tasks by the names that people use.
package enum TaskName: String, Sendable, CaseIterable {
    case classify, embed, features, tokenize
}
