extension InferenceMethod {
    /// The task's name for people: `fill-mask`, `zero-shot`, `answer`.
    package var task: String {
        switch self {
        case .tagTokens: "tag"
        case .answerQuestion: "answer"
        case .classify, .embed, .features, .tokenize, .fillMask, .zeroShot, .rerank, .multipleChoice, .infer:
            // inference.v1.Inference/FillMask
            rawValue.drop { $0 != "/" }.dropFirst().reduce(into: "") { name, letter in
                if letter.isUppercase, !name.isEmpty { name += "-" }
                name += letter.lowercased()
            }
        }
    }

    /// The method of a task's name; nil where there is none.
    package init?(task: String) {
        guard let method = Self.allCases.first(where: { $0.task == task }) else { return nil }
        self = method
    }
}
