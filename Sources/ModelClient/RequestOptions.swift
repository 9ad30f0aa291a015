/// A text, or a pair of texts for models that compare two.
public struct TextInput: Sendable, Hashable, ExpressibleByStringLiteral {
    /// The first, or the only, text.
    public var text: String
    /// The second text, for models that take two segments.
    public var pair: String?

    /// Makes an input of one text, or of two.
    public init(_ text: String, pair: String? = nil) {
        self.text = text
        self.pair = pair
    }

    /// Makes an input of one text.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

/// What every call to a model can carry along.
public struct RequestMetadata: Sendable, Hashable {
    /// A name for the request in the server's logs; when nil, the server makes one, which comes with the answer or the error.
    public var requestID: String?
    /// The caller's span, as a W3C Trace Context `traceparent`. When nil, the package trait `TracingSupport` sends the call's own.
    public var traceparent: String?
    /// How much the request matters beside the others of this client.
    public var priority: RequestPriority
    /// Whom a gateway asks for: a name, at most 128 bytes. Tenants take turns at a model as users do. Only users of the server's setting
    /// `gateways` may name one.
    public var tenant: String?

    /// Makes metadata.
    public init(
        requestID: String? = nil,
        traceparent: String? = nil,
        priority: RequestPriority = .normal,
        tenant: String? = nil
    ) {
        self.requestID = requestID
        self.traceparent = traceparent
        self.priority = priority
        self.tenant = tenant
    }
}

/// How much a request matters beside the others that the same client has waiting at a model.
///
/// Those of high priority get four times the share of normal ones, and these four times that of low ones; none starves. It takes
/// nothing from other clients, which have their own share of the model.
public enum RequestPriority: Int32, Sendable, Hashable, CaseIterable {
    /// For what nobody waits for, such as a nightly batch.
    case low = -1
    /// What calls have unless they say otherwise.
    case normal = 0
    /// For what somebody waits for, beside a batch on the same connection.
    case high = 1
}

/// How to classify.
public struct ClassifyOptions: Sendable, Hashable {
    /// Which of the model's labels to return.
    public enum Labels: Sendable, Hashable {
        /// The one with the highest score.
        case best
        /// Those with the highest scores, at most this many, from 1.
        case top(Int)
        /// Every label.
        case all
    }

    /// What turns the model's outputs into scores.
    public typealias Function = ScoreFunction

    /// Which labels to return.
    public var labels: Labels
    /// What turns outputs into scores.
    public var function: Function
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// With windows: what makes one score of theirs.
    public var windowPooling: WindowPooling
    /// With windows: how many tokens neighbouring ones share; nil: a quarter of what the model takes.
    public var stride: Int?
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        labels: Labels = .best,
        function: Function = .checkpointDefault,
        truncation: Truncation = .taskDefault,
        windowPooling: WindowPooling = .mean,
        stride: Int? = nil,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.labels = labels
        self.function = function
        self.truncation = truncation
        self.windowPooling = windowPooling
        self.stride = stride
        self.metadata = metadata
    }
}

/// How to embed.
public struct EmbedOptions: Sendable, Hashable {
    /// What makes one vector of a text's token vectors.
    public enum Pooling: Sendable, Hashable {
        /// As the checkpoint's sentence-transformers modules say, else the mean.
        case checkpointDefault
        /// The mean of all tokens.
        case mean
        /// The first token.
        case cls
        /// The largest value of each dimension.
        case max
    }

    /// What to do with a vector's length.
    public enum Normalization: Sendable, Hashable {
        /// As the checkpoint's sentence-transformers modules say, else nothing.
        case checkpointDefault
        /// Nothing.
        case none
        /// Scale to length 1, so that a dot product is a cosine.
        case l2
    }

    /// What to put before each text, for models that were trained with prompts.
    public enum Prompt: Sendable, Hashable {
        /// The checkpoint's default prompt, if it has one.
        case checkpointDefault
        /// One of the checkpoint's prompts, by its name in `config_sentence_transformers.json`, such as `query`.
        case named(String)
        /// This text; empty for none at all.
        case text(String)
    }

    /// What makes one vector of many.
    public var pooling: Pooling
    /// What to do with its length.
    public var normalization: Normalization
    /// How many dimensions to keep, from the first; nil: all. For models that were trained for it.
    public var dimensions: Int?
    /// What to put before each text.
    public var prompt: Prompt
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        pooling: Pooling = .checkpointDefault,
        normalization: Normalization = .checkpointDefault,
        dimensions: Int? = nil,
        prompt: Prompt = .checkpointDefault,
        truncation: Truncation = .taskDefault,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.pooling = pooling
        self.normalization = normalization
        self.dimensions = dimensions
        self.prompt = prompt
        self.truncation = truncation
        self.metadata = metadata
    }
}

/// How to compute token features.
public struct FeaturesOptions: Sendable, Hashable {
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(truncation: Truncation = .taskDefault, metadata: RequestMetadata = RequestMetadata()) {
        self.truncation = truncation
        self.metadata = metadata
    }
}

/// How to tokenize.
public struct TokenizeOptions: Sendable, Hashable {
    /// Whether to add the model's special tokens, such as `[CLS]` and `[SEP]`.
    public var addsSpecialTokens: Bool
    /// What to do with a text that is too long.
    public var truncation: Truncation
    /// What to send along.
    public var metadata: RequestMetadata

    /// Makes options.
    public init(
        addsSpecialTokens: Bool = true,
        truncation: Truncation = .taskDefault,
        metadata: RequestMetadata = RequestMetadata()
    ) {
        self.addsSpecialTokens = addsSpecialTokens
        self.truncation = truncation
        self.metadata = metadata
    }
}
