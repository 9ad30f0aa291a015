package import Messages
package import Tasks
import Wire

/// A loaded model.
package struct ModelEngine: Engine {
    let model: Model
    let maxStepTokens: Int
    let limits: WorkLimits

    package func prepare(
        _ request: ToWorker.Prepare,
        proceed: () -> Bool
    ) throws(RequestFailure) -> Preparation<PreparedTask> {
        do {
            guard let method = InferenceMethod(rawValue: request.method) else {
                throw TaskError(.unsupported, "the method \(request.method) is unknown to this worker")
            }
            let task = try model.prepare(
                try InferenceRequest.decode(method, request.payload),
                within: limits,
                proceed: proceed
            )
            if let immediate = task.immediate { return .answered(immediate.encode()) }
            return .work(task, tokens: task.tokens, sequences: task.sequences.count)
        } catch {
            throw RequestFailure(error)
        }
    }

    package func makeBatch() -> BatchRun { BatchRun(model: model, maxStepTokens: maxStepTokens) }
}

extension BatchRun: EngineBatch {
    package mutating func step(isWanted: (UInt64) -> Bool, proceed: ([UInt64]) -> Bool) -> [EngineAnswer]? {
        guard let step = nextStep(keep: isWanted) else { return nil }
        return perform(step, proceed: { proceed(step.requests) }).map { id, outcome in
            (id, outcome.map { $0.encode() }.mapError { RequestFailure($0) })
        }
    }
}

extension RequestFailure {
    fileprivate init(_ error: any Error) {
        switch error {
        case let error as WireError: self.init(error.status, error.message)
        case let error as TaskError:
            let status: StatusCode =
                switch error.kind {
                case .invalidArgument: .invalidArgument
                case .unsupported: .unimplemented
                case .abandoned: .cancelled
                case .internal: .internal
                }
            self.init(status, error.message)
        default: self.init(.internal, "\(error)")
        }
    }
}
