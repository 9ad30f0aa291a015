import Messages
import ModelFiles
import Tasks

extension ExpectedAnswers {
    /// Compares a version folder's expected answers, if it has any, with what the model answers.
    ///
    /// - Parameters:
    ///   - folder: the version folder as it is now, not as it was packed.
    ///   - isExact: whether the model is in fp32, whose numbers the file has. In fewer bits only the answers of `tokenize`
    ///     are compared, which have no precision; what its numbers may lose, the floors of its quality say.
    ///   - progress: called after each line, and before each product.
    /// - Returns: how many answers were compared.
    /// - Throws: `ExpectedAnswersError` when the model answers otherwise, or the file cannot be used.
    static func compare(
        folder: String,
        with model: Model,
        isExact: Bool,
        progress: () throws -> Void
    ) throws -> Int {
        guard let answers = try ExpectedAnswers(folder: folder) else { return 0 }
        let tasks = isExact ? Set(InferenceMethod.allCases) : [.tokenize]
        return try answers.compare(with: model, tasks: tasks, progress: progress)
    }
}
