import DistilBERT
package import Tensors
package import Training

/// How a run goes through its examples.
package struct LoopSettings: Sendable, Hashable {
    package var epochs: Int
    /// Examples of a step.
    package var batchSize: Int
    package var learningRate: Double
    /// The share of all steps in which the rate rises.
    package var warmup: Double
    package var optimizer: Optimizer.Settings
    package var seed: UInt64
    /// A step's examples are computed in parts of at most so many tokens, whose gradients are added up.
    package var mostTokens: Int

    package init(
        epochs: Int,
        batchSize: Int,
        learningRate: Double,
        warmup: Double = 0.1,
        optimizer: Optimizer.Settings = Optimizer.Settings(),
        seed: UInt64,
        mostTokens: Int = 1 << 14
    ) {
        self.epochs = epochs
        self.batchSize = batchSize
        self.learningRate = learningRate
        self.warmup = warmup
        self.optimizer = optimizer
        self.seed = seed
        self.mostTokens = mostTokens
    }

    func schedule(examples: Int) -> LearningRate {
        let steps = epochs * stepsPerEpoch(examples)
        return LearningRate(peak: learningRate, warmup: Int((warmup * Double(steps)).rounded(.up)), steps: steps)
    }

    func stepsPerEpoch(_ examples: Int) -> Int { (examples + batchSize - 1) / batchSize }
}

/// Where a run is.
package struct TrainingProgress: Sendable, Hashable {
    /// Steps that were made, and all.
    package let step: Int
    package let steps: Int
    package let epochs: Int
    /// The mean of the last steps.
    package let loss: Double
    package let tokensPerSecond: Double
    package let secondsLeft: Double

    /// The epoch that the run is in, counted from 0 with its fraction.
    package var epoch: Double { Double(step) * Double(epochs) / Double(max(1, steps)) }
}

/// What a run did.
package struct TrainingSummary: Sendable, Hashable {
    package var steps = 0
    /// Without padding, which there is none of; each epoch counts.
    package var tokens = 0
    /// Of training alone.
    package var seconds = 0.0
    /// The mean over the last epoch.
    package var loss = 0.0
    package var isComplete = false

    package var tokensPerSecond: Double { seconds > 0 ? Double(tokens) / seconds : 0 }
}

/// Gives what a teacher says of examples.
package protocol TeacherSignals: AnyObject {
    /// - Parameters:
    ///   - examples: the places of the batch's sequences in the run's examples.
    ///   - batch: the sequences.
    ///   - supervision: what the student is asked for, of which rows.
    func outputs(_ examples: [Int], _ batch: Batch, _ supervision: Supervision) throws -> TeacherOutputs
}

/// Trains a model on examples, step by step. Every step is a function of the seed, the step's number and the weights, so a run
/// that is taken up gives the bits of one that was never interrupted.
package final class TrainingLoop {
    package let settings: LoopSettings
    package let schedule: LearningRate
    package let optimizer: Optimizer
    package let model: TrainableModel

    private let examples: [EncodedExample]
    private let objective: Objective
    private let teacher: (any TeacherSignals)?
    private let masking: Masking?

    package private(set) var summary = TrainingSummary()
    private var recent: [Double] = []
    private var epochLosses = (sum: 0.0, count: 0)
    private var order: (epoch: Int, examples: [Int])?

    /// - Parameter masking: for masked language modelling.
    package init(
        _ model: TrainableModel,
        examples: [EncodedExample],
        settings: LoopSettings,
        objective: Objective,
        teacher: (any TeacherSignals)? = nil,
        masking: Masking? = nil,
        team: ComputeTeam
    ) {
        guard let gradients = model.gradients else { preconditionFailure("the model is not trained") }
        self.model = model
        self.examples = examples
        self.settings = settings
        self.objective = objective
        self.teacher = teacher
        self.masking = masking
        schedule = settings.schedule(examples: examples.count)
        var reachesAll = false
        if case .maskedLM = model.plan.head.head { reachesAll = true }
        optimizer = Optimizer(
            settings.optimizer,
            values: model.values,
            gradients: gradients,
            table: reachesAll ? nil : model.plan.embeddings.word,
            team: team
        )
    }

    /// The number of the next step.
    package var step: Int { optimizer.steps }
    package var isComplete: Bool { step >= schedule.steps }

    /// Takes up a run whose weights and moments were restored.
    package func resume(steps: Int, reached: [Bool], summary: TrainingSummary, epochLosses: (Double, Int)) {
        optimizer.resume(rates: (0..<steps).map(schedule.rate(ofStep:)), reached: reached)
        self.summary = summary
        self.epochLosses = epochLosses
    }

    /// What has to be saved of the last epoch's mean.
    package var epochState: (sum: Double, count: Int) { epochLosses }

    /// Makes one step.
    package func advance() throws {
        let perEpoch = settings.stepsPerEpoch(examples.count)
        let epoch = step / perEpoch
        let first = step % perEpoch * settings.batchSize
        let chosen = Array(order(of: epoch)[first..<min(examples.count, first + settings.batchSize)])
        if first == 0 { epochLosses = (0, 0) }
        let start = ContinuousClock.now
        var loss = 0.0
        let parts = parts(chosen).enumerated().map { part, places in
            let randomness = Randomness(seed: settings.seed, batch: step << 16 | part)
            return (places: places, randomness: randomness, prepared: prepare(places, randomness))
        }
        var whole = LossCounts.zero
        for part in parts { whole += model.counts(part.prepared.batch, part.prepared.supervision, objective) }
        let ids = parts.flatMap(\.prepared.batch.ids)
        optimizer.reach(ids)
        for (places, randomness, (batch, supervision)) in parts {
            let outputs = try teacher?.outputs(places, batch, supervision) ?? TeacherOutputs()
            let losses = try model.learn(
                batch,
                supervision,
                objective,
                teacher: outputs,
                randomness: randomness,
                of: whole
            )
            loss += losses.total
            summary.tokens += batch.tokens
        }
        guard loss.isFinite else { throw notFinite("the loss", loss) }
        let norm = optimizer.step(rate: schedule.rate(ofStep: step), rows: ids)
        guard norm.isFinite else { throw notFinite("the gradient", norm) }
        if isComplete { optimizer.finish() }
        model.refresh()
        summary.seconds += (ContinuousClock.now - start) / .seconds(1)
        summary.steps = step
        recent.append(loss)
        if recent.count > 20 { recent.removeFirst() }
        epochLosses = (epochLosses.sum + loss, epochLosses.count + 1)
        summary.loss = epochLosses.sum / Double(epochLosses.count)
        summary.isComplete = isComplete
    }

    package var progress: TrainingProgress {
        let perStep = summary.steps > 0 ? summary.seconds / Double(summary.steps) : 0
        return TrainingProgress(
            step: step,
            steps: schedule.steps,
            epochs: settings.epochs,
            loss: recent.isEmpty ? 0 : recent.reduce(0, +) / Double(recent.count),
            tokensPerSecond: summary.tokensPerSecond,
            secondsLeft: perStep * Double(schedule.steps - step)
        )
    }

    private func notFinite(_ what: String, _ value: Double) -> DistillationError {
        .failed(
            "\(what) became \(value) in step \(step + 1) of \(schedule.steps); nothing of that step was kept. Lower "
                + "--learning-rate (now \(settings.learningRate)), or try --precision fp32"
        )
    }

    /// The examples of an epoch, each once.
    private func order(of epoch: Int) -> [Int] {
        if let order, order.epoch == epoch { return order.examples }
        var shuffled = Array(examples.indices)
        var generator = SeededGenerator(seed: settings.seed, stream: UInt64(epoch))
        generator.shuffle(&shuffled)
        order = (epoch, shuffled)
        return shuffled
    }

    /// Parts of a step of at most `mostTokens`, in order.
    private func parts(_ chosen: [Int]) -> [[Int]] {
        var parts: [[Int]] = []
        var tokens = 0
        for place in chosen {
            let count = examples[place].tokens
            if parts.isEmpty || tokens + count > settings.mostTokens {
                parts.append([])
                tokens = 0
            }
            parts[parts.count - 1].append(place)
            tokens += count
        }
        return parts
    }

    private func prepare(
        _ places: [Int],
        _ randomness: Randomness
    ) -> (batch: Batch, supervision: Supervision) {
        let chosen = places.map { examples[$0] }
        let batch = Batch(chosen.flatMap { [$0.sequence] + ($0.other.map { [$0] } ?? []) })
        guard let masking else { return (batch, Supervision(chosen)) }
        let masked = masking.mask(batch, key: randomness.key(1 << 32))
        return (masked.batch, .words(rows: masked.rows, ids: masked.words))
    }
}

extension Supervision {
    /// Of examples of one task, of some of which nothing may be known.
    package init(_ examples: [EncodedExample]) {
        let goals = examples.map(\.goal)
        guard var first = goals.first(where: { $0 != .none }) else {
            self = .none
            return
        }
        // Labels beside probabilities are certain ones.
        if case .label = first {
            first = goals.first { if case .probabilities = $0 { true } else { false } } ?? first
        }
        switch first {
        case .none: self = .none
        case .label:
            self = .labels(goals.map { if case .label(let label) = $0 { label } else { -1 } })
        case .probabilities(let probabilities):
            let none = [Float](repeating: 0, count: probabilities.count)
            self = .probabilities(
                goals.map { goal in
                    switch goal {
                    case .probabilities(let probabilities): return probabilities
                    case .label(let label):
                        var certain = none
                        certain[label] = 1
                        return certain
                    default: return none
                    }
                }
            )
        case .labelSet(let set):
            let none = [Float](repeating: .nan, count: set.count)
            self = .labelSets(goals.flatMap { if case .labelSet(let set) = $0 { set } else { none } })
        case .value: self = .values(goals.map { if case .value(let value) = $0 { value } else { .nan } })
        case .tokens:
            self = .tokens(
                examples.flatMap { example -> [Int] in
                    if case .tokens(let labels) = example.goal { return labels }
                    return Array(repeating: -1, count: example.sequence.ids.count)
                }
            )
        case .span: self = .spans(goals.map { if case .span(let span) = $0 { span } else { -1 ... -1 } })
        case .similarity:
            var pairs: [WantedCosine] = []
            var sequence = 0
            for example in examples {
                if case .similarity(let value) = example.goal {
                    pairs.append(WantedCosine(sequence, sequence + 1, value))
                }
                sequence += example.other == nil ? 1 : 2
            }
            self = .pairs(pairs)
        }
    }
}
