import LinuxSystem
import ModelFiles
import Tasks

extension ExpectedAnswers {
    /// The longest that the answers may take to be compared: the supervisor waits a minute for a worker.
    private static let mostNanoseconds: Int64 = 30_000_000_000

    /// Compares a version folder's expected answers, if it has any, with what the model answers.
    ///
    /// - Parameters:
    ///   - folder: the version folder as it is now, not as it was packed.
    ///   - isExact: whether the model is in fp32, whose numbers the file has. In fewer bits only the answers of `tokenize`
    ///     are compared, which have no precision; what its numbers may lose, the floors of its quality say.
    ///   - progress: called after each line.
    /// - Returns: how many answers were compared.
    /// - Throws: `ExpectedAnswersError` when the model answers otherwise, or the file cannot be used.
    static func compare(
        folder: String,
        with model: Model,
        isExact: Bool,
        progress: () throws -> Void = {}
    ) throws -> Int {
        guard let answers = try ExpectedAnswers(folder: folder) else { return 0 }
        let end = MonotonicClock.now + mostNanoseconds
        return try answers.compare(with: model, tasks: isExact ? Set(TaskName.allCases) : [.tokenize]) {
            guard MonotonicClock.now < end else {
                let seconds = mostNanoseconds / 1_000_000_000
                throw ExpectedAnswersError(
                    "\(answers.path): comparing its answers takes more than \(seconds) s; keep fewer or shorter texts"
                )
            }
            try progress()
        }
    }
}

extension Model {
    /// The names of a classifier's outputs, in their order; none for other models.
    var labels: [String] { tasks.contains(.classify) || tasks.contains(.tag) ? configuration.labels : [] }
}
