extension InferenceMethod {
    /// The task's name for people, as in `modelctl fill-mask` and in a model's status.
    package var task: String {
        switch self {
        case .tagTokens: return "tag"
        case .answerQuestion: return "answer"
        default:
            // "inference.v1.Inference/FillMask" is fill-mask.
            let name = rawValue.drop { $0 != "/" }.dropFirst()
            return name.reduce(into: "") {
                $0 += $1.isUppercase ? ($0.isEmpty ? "" : "-") + $1.lowercased() : String($1)
            }
        }
    }

    /// The method of a task by the name that people use.
    package init?(task: String) {
        guard let method = Self.allCases.first(where: { $0.task == task }) else { return nil }
        self = method
    }
}
