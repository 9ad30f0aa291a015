import DistilBERT
package import Messages
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
        var pipeline: any Pipeline
        let sequences: [TokenSequence]
        var done = 0
        var failure: TaskError?

        mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
            guard failure == nil else { return }
            do throws(TaskError) {
                try pipeline.take(values, fromRow: row, of: sequence)
            } catch {
                failure = error
            }
        }

        mutating func finish() -> Result<InferenceResponse, TaskError> {
            if let failure { return .failure(failure) }
            do throws(TaskError) {
                return .success(try pipeline.finish())
            } catch {
                return .failure(error)
            }
        }
    }

    private let model: Model
    private let maxStepTokens: Int
    private var progress: [UInt64: Progress] = [:]
    private var waiting: [Item] = []
    private var next = 0

    package init(model: Model, maxStepTokens: Int) {
        self.model = model
        self.maxStepTokens = maxStepTokens
    }

    /// Adds a request that has something to compute. `id` is the caller's, unique in the batch.
    package mutating func add(_ task: PreparedTask, id: UInt64) {
        guard let pipeline = task.pipeline else { return }
        progress[id] = Progress(pipeline: pipeline, sequences: task.sequences)
        waiting += task.sequences.indices.map { Item(request: id, sequence: $0) }
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
            guard let length = progress[item.request]?.sequences[item.sequence].ids.count, keep(item.request) else {
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
    /// - Parameter proceed: asked between layers and between pieces of the head's work; `false` from a layer abandons the
    ///   step, whose requests are forgotten.
    /// - Returns: the requests that are answered now.
    package mutating func perform(
        _ step: Step,
        proceed: () -> Bool = { true }
    ) -> [(UInt64, Result<InferenceResponse, TaskError>)] {
        let items = step.items.filter { progress[$0.request] != nil }
        do {
            let sequences = items.compactMap { progress[$0.request]?.sequences[$0.sequence] }
            guard let output = try model.encoder.forward(sequences, proceed: proceed) else {
                for request in step.requests { progress[request] = nil }
                return []
            }
            try distribute(output, to: items, proceed: proceed)
        } catch {
            let failure = TaskError(.internal, "\(error)")
            for request in step.requests { progress[request] = nil }
            return step.requests.map { ($0, .failure(failure)) }
        }
        return step.requests.compactMap { request in
            guard let entry = progress[request], entry.done == entry.sequences.count else { return nil }
            return (request, finish(request))
        }
    }

    private mutating func finish(_ request: UInt64) -> Result<InferenceResponse, TaskError> {
        guard var entry = progress.removeValue(forKey: request) else {
            return .failure(TaskError(.internal, "the request is not in the batch"))
        }
        return entry.finish()
    }

    /// Hands hidden states and logits to the pipelines of their requests.
    private mutating func distribute(
        _ output: EncoderOutput,
        to items: [Item],
        proceed: () -> Bool
    ) throws(EngineError) {
        // The rows that go through the head together, and the places in `items` whose rows they are.
        var rows: [Int] = []
        var owners: [(place: Int, rows: Range<Int>)] = []
        for (place, item) in items.enumerated() {
            let own = output.bounds[place]
            switch progress[item.request]?.pipeline.needs {
            case .states:
                progress[item.request]?.take(output.hidden.rows(own), fromRow: 0, of: item.sequence)
            case .logits where model.scorer != nil:
                try score(output.hidden.rows(own), of: item)
            case .logits:
                owners.append((place, rows.count..<rows.count + own.count))
                rows += own
            case nil: break
            }
            progress[item.request]?.done += 1
        }
        guard !rows.isEmpty, let head = model.head else { return }
        var owner = 0
        try head.logits(output.hidden, rows: rows) { (first, logits) throws(EngineError) in
            _ = proceed()
            var row = first
            while row < first + logits.rows {
                while owners[owner].rows.upperBound <= row { owner += 1 }
                let (place, own) = owners[owner]
                let end = min(own.upperBound, first + logits.rows)
                progress[items[place].request]?.take(
                    logits.rows(row - first..<end - first),
                    fromRow: row - own.lowerBound,
                    of: items[place].sequence
                )
                row = end
            }
        }
    }
}

extension BatchRun {
    /// Hands the scores that the model's modules make of a sequence to its pipeline.
    private mutating func score(_ states: Matrix, of item: Item) throws(EngineError) {
        guard let scorer = model.scorer, let length = progress[item.request]?.sequences[item.sequence].ids.count else {
            return
        }
        let scores = try scorer.embed(states, of: length, skipping: 0, EmbedRequest())
        let buffer = FloatBuffer(count: scores.count)
        buffer.base.update(from: scores, count: scores.count)
        progress[item.request]?.take(
            buffer.matrix(rows: 1, columns: scores.count),
            fromRow: 0,
            of: item.sequence
        )
    }
}

extension Matrix {
    /// A few of the rows.
    func rows(_ range: Range<Int>) -> Matrix {
        Matrix(base: base + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
    }
}
