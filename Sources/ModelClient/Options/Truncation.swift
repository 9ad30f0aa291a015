import Messages
import Wire

/// What to do with a text of more tokens than the model takes. Nothing happens silently: a result whose text was cut says
/// so in `truncated`, one that was read in windows in `windows`.
public enum Truncation: Sendable, Hashable {
    /// As the task does it: embedding, zero-shot classification and reranking truncate, as the libraries that they follow
    /// do; answering questions reads windows; all else refuses.
    case taskDefault
    /// Refuse with ``ModelClientError/Code/invalidArgument``, which names the number of tokens.
    case refuse
    /// Drop the end; the result says so in `truncated`.
    case truncate
    /// Read the whole text in windows that overlap: for classifying and tagging. Other tasks refuse this.
    case windows

    var message: Messages.Truncation {
        switch self {
        case .taskDefault: .default
        case .refuse: .error
        case .truncate: .truncate
        case .windows: .windows
        }
    }
}

/// What makes one score of the scores of a text's windows.
public enum WindowPooling: Sendable, Hashable {
    /// Their mean: what the text as a whole is about.
    case mean
    /// The largest: whether any part of the text is such.
    case max

    var message: Messages.WindowPooling {
        switch self {
        case .mean: .mean
        case .max: .max
        }
    }
}

/// What turns a model's outputs into scores.
public enum ScoreFunction: Sendable, Hashable {
    /// As the task and the checkpoint say.
    case checkpointDefault
    /// Nothing: the logits themselves.
    case none
    /// A probability for each label on its own.
    case sigmoid
    /// Probabilities that add up to 1.
    case softmax

    var message: FunctionToApply {
        switch self {
        case .checkpointDefault: .default
        case .none: .none
        case .sigmoid: .sigmoid
        case .softmax: .softmax
        }
    }
}
