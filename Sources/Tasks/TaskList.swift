package import Messages
import ModelFiles

/// Every task. A new one is added here, twice, beside its file and its messages in `proto/`.
private let tasks: [any InferenceTask.Type] = [
    ClassifyTask.self, EmbedTask.self, FeaturesTask.self, TokenizeTask.self, TagTokensTask.self,
    AnswerQuestionTask.self,
    FillMaskTask.self, ZeroShotTask.self, RerankTask.self, MultipleChoiceTask.self, InferTask.self,
]

extension InferenceRequest {
    fileprivate var task: any InferenceTask {
        switch self {
        case .classify(let request): ClassifyTask(request)
        case .embed(let request): EmbedTask(request)
        case .features(let request): FeaturesTask(request)
        case .tokenize(let request): TokenizeTask(request)
        case .tagTokens(let request): TagTokensTask(request)
        case .answerQuestion(let request): AnswerQuestionTask(request)
        case .fillMask(let request): FillMaskTask(request)
        case .zeroShot(let request): ZeroShotTask(request)
        case .rerank(let request): RerankTask(request)
        case .multipleChoice(let request): MultipleChoiceTask(request)
        case .infer(let request): InferTask(request)
        }
    }
}

extension Model {
    /// What this model answers.
    package var tasks: [InferenceMethod] { Tasks.tasks.filter { $0.isAnswered(by: self) }.map { $0.method } }

    /// Checks and tokenises a request.
    ///
    /// - Parameters:
    ///   - limits: a request that makes more is refused before it has.
    ///   - proceed: asked after each sequence; `false` stops it, and the error is `abandoned`.
    package func prepare(
        _ request: InferenceRequest,
        within limits: WorkLimits = WorkLimits(),
        proceed: () -> Bool = { true }
    ) throws(TaskError) -> PreparedTask {
        let task = request.task
        guard type(of: task).isAnswered(by: self) else {
            let known = tasks.map(\.task).joined(separator: ", ")
            let kind = configuration.architecture
            throw .invalid("model", "it is a \(kind) and has no \(request.method.task); it has \(known)")
        }
        return try withoutActuallyEscaping(proceed) { (proceed) throws(TaskError) in
            meter = WorkMeter(limits, proceed: proceed)
            defer { meter = WorkMeter() }
            return try task.prepare(for: self)
        }
    }

    /// Answers one request by itself. `proceed` is asked before each product; `false` stops it, and there is no answer.
    package func answer(
        _ request: InferenceRequest,
        proceed: () -> Bool = { true }
    ) throws(TaskError) -> InferenceResponse {
        let task = try prepare(request)
        if let immediate = task.immediate { return immediate }
        var run = BatchRun(model: self, maxStepTokens: 512)
        run.add(task, id: 0)
        while let step = run.nextStep(keep: { _ in true }) {
            for (_, result) in run.perform(step, proceed: proceed) { return try result.get() }
        }
        throw TaskError(.internal, "the request was not answered")
    }
}
