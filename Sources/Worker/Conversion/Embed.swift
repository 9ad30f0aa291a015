import Messages
import Tasks
import Wire

extension EmbedRequest {
    var taskRequest: TaskRequest {
        get throws(TaskError) {
            guard !hasPrompt || promptName.isEmpty else {
                throw TaskError(.invalidArgument, "prompt_name: leave it empty where `prompt` is given")
            }
            return .embed(
                inputs.map(TaskText.init),
                EmbedOptions(
                    pooling: pooling.option,
                    normalize: normalization.option,
                    dimensions: given(truncateDim),
                    overlong: truncation.overlong ?? .truncate,
                    prompt: hasPrompt ? .text(prompt) : promptName.isEmpty ? .standard : .named(promptName)
                )
            )
        }
    }
}

extension Messages.Embedding {
    init(_ result: Tasks.Embedding) {
        self.init(values: result.values, tokens: UInt32(clamping: result.tokens), truncated: result.truncated)
    }
}

extension Pooling {
    fileprivate var option: EmbedOptions.Pooling? {
        switch self {
        case .default: nil
        case .mean: .mean
        case .cls: .cls
        case .max: .max
        }
    }
}

extension Normalization {
    fileprivate var option: Bool? {
        switch self {
        case .default: nil
        case .none: false
        case .l2: true
        }
    }
}
