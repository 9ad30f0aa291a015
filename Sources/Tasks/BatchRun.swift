import DistilBERT
import Tensors

/// The computing of one batch of requests, cut into steps of a bounded number of tokens.
///
/// A request may span steps; it is answered with the step that has its last sequence. An answer does not depend on how
/// the batch was cut, nor on the other requests in it.
package struct BatchRun {
    package struct Step {
        /// The requests that have a sequence in this step, each once.
        package let requests: [UInt64]
        fileprivate let items: [Item]
    }

    fileprivate struct Item {
        let request: UInt64
        let sequence: Int
    }

    private struct Progress {
        let task: PreparedTask
        var results: [SequenceResult] = []
    }

    private enum SequenceResult {
        case classification(Classification)
        case embedding(Embedding)
        case features(Features)
    }

    private let model: Model
    private let maxStepTokens: Int
    private var progress: [UInt64: Progress] = [:]
    private var waiting: [Item] = []
    private var next = 0

    /// Tokens and requests of the whole batch.
    package private(set) var tokens = 0
    package var requests: Int { count }
    private var count = 0

    package init(model: Model, maxStepTokens: Int) {
        self.model = model
        self.maxStepTokens = maxStepTokens
    }

    /// Adds a request. `id` is the caller's, unique in the batch.
    package mutating func add(_ task: PreparedTask, id: UInt64) {
        progress[id] = Progress(task: task)
        waiting += task.sequences.indices.map { Item(request: id, sequence: $0) }
        tokens += task.tokens
        count += 1
    }

    /// Whether sequences are left for another step.
    package var hasMore: Bool { next < waiting.count }

    /// The next step: as many sequences as fit, at least one; those of requests that `keep` refuses are dropped. Nil when
    /// nothing is left.
    package mutating func nextStep(keep: (UInt64) -> Bool) -> Step? {
        var items: [Item] = []
        var requests: [UInt64] = []
        var tokens = 0
        while next < waiting.count {
            let item = waiting[next]
            guard let length = progress[item.request]?.task.sequences[item.sequence].ids.count, keep(item.request)
            else {
                progress[item.request] = nil
                next += 1
                continue
            }
            guard items.isEmpty || tokens + length <= maxStepTokens else { break }
            items.append(item)
            if requests.last != item.request { requests.append(item.request) }
            tokens += length
            next += 1
        }
        return items.isEmpty ? nil : Step(requests: requests, items: items)
    }

    /// Computes a step.
    ///
    /// - Parameter proceed: asked between layers; `false` abandons the step, whose requests are forgotten.
    /// - Returns: the requests that are answered now.
    package mutating func perform(
        _ step: Step,
        proceed: () -> Bool = { true }
    ) -> [(UInt64, Result<TaskResult, TaskError>)] {
        do {
            let sequences = step.items.compactMap { progress[$0.request]?.task.sequences[$0.sequence] }
            guard let output = try model.encoder.forward(sequences, proceed: proceed) else {
                for request in step.requests { progress[request] = nil }
                return []
            }
            let logits = try classify(step, output)
            for (index, item) in step.items.enumerated() {
                guard let task = progress[item.request]?.task else { continue }
                let rows = output.bounds[index]
                let hidden = Matrix(
                    base: output.hidden.base + rows.lowerBound * output.hidden.stride,
                    rows: rows.count,
                    columns: output.hidden.columns,
                    stride: output.hidden.stride
                )
                let result = try finish(item.sequence, of: task, hidden, logits[index])
                progress[item.request]?.results.append(result)
            }
        } catch {
            let failure = TaskError(.internal, "\(error)")
            defer { for request in step.requests { progress[request] = nil } }
            return step.requests.map { ($0, .failure(failure)) }
        }
        return step.requests.compactMap { request in
            guard let entry = progress[request], entry.results.count == entry.task.sequences.count else { return nil }
            progress[request] = nil
            return (request, .success(Self.assemble(entry)))
        }
    }

    /// The logits of the step's classify sequences, by position in the step.
    private func classify(_ step: Step, _ output: EncoderOutput) throws(EngineError) -> [Int: [Float]] {
        let positions = step.items.indices.filter {
            if case .classify = progress[step.items[$0].request]?.task.request { true } else { false }
        }
        guard !positions.isEmpty, let head = model.head else { return [:] }
        let columns = output.hidden.columns
        let buffer = FloatBuffer(count: ComputeTeam.capacity(forRows: positions.count) * columns)
        let first = buffer.matrix(rows: positions.count, columns: columns)
        for (row, position) in positions.enumerated() {
            _ = first[row].update(fromContentsOf: output.hidden[output.bounds[position].lowerBound])
        }
        return Dictionary(uniqueKeysWithValues: zip(positions, try head.logits(first)))
    }

    private func finish(
        _ sequence: Int,
        of task: PreparedTask,
        _ hidden: Matrix,
        _ logits: [Float]?
    ) throws(EngineError) -> SequenceResult {
        let tokens = task.sequences[sequence].ids.count
        let truncated = task.truncated[sequence]
        switch task.request {
        case .classify(_, let options):
            let scores = classificationScores(logits ?? [], options, model.configuration)
            return .classification(Classification(scores: scores, tokens: tokens, truncated: truncated))
        case .embed(_, let options):
            let values = try model.embedder.embed(hidden, options)
            return .embedding(Embedding(values: values, tokens: tokens, truncated: truncated))
        case .features:
            var values: [Float] = []
            values.reserveCapacity(hidden.rows * hidden.columns)
            for row in 0..<hidden.rows { values += hidden[row] }
            return .features(Features(values: values, tokens: tokens, hidden: hidden.columns, truncated: truncated))
        case .tokenize:
            preconditionFailure("a tokenize request is answered when it is prepared")
        }
    }

    private static func assemble(_ entry: Progress) -> TaskResult {
        switch entry.task.request {
        case .classify:
            .classify(entry.results.compactMap { if case .classification(let result) = $0 { result } else { nil } })
        case .embed: .embed(entry.results.compactMap { if case .embedding(let result) = $0 { result } else { nil } })
        case .features:
            .features(entry.results.compactMap { if case .features(let result) = $0 { result } else { nil } })
        case .tokenize: preconditionFailure("a tokenize request is answered when it is prepared")
        }
    }
}
