package import DistilBERT
import ModelFiles
package import Tensors

/// A model that learns: its encoder and head with the losses of an objective.
package final class TrainableModel {
    package let plan: NetworkPlan
    package let values: ParameterBlock
    /// Nil for a model that only computes.
    package let gradients: ParameterBlock?
    package let encoder: TrainableEncoder
    package let head: TrainableHead?
    package let embedding: SentenceEmbedding

    private let team: ComputeTeam
    private let logitLosses: LogitLosses
    private let spanLosses: SpanLosses
    private let projection: TrainableLinear?
    private let projected = GrowingBuffer()
    private let projectedGradient = GrowingBuffer()
    private let back = GrowingBuffer()
    private var relationLoss: (heads: Int, loss: RelationLoss)?

    /// The layer between a student's width and a teacher's other one, [teacher's, student's] without a bias; it is trained
    /// with the student and not part of it.
    package static func projection(to width: Int, from hidden: Int) -> Linear {
        Linear("training.projection", "training.projection", outputs: width, inputs: hidden, hasBias: false)
    }

    /// - Parameters:
    ///   - values: of a layout that was made with the projection's parameters, if there is one.
    ///   - projection: where hidden states or embeddings are compared with those of another width.
    package init(
        _ plan: NetworkPlan,
        values: ParameterBlock,
        gradients: ParameterBlock?,
        projection: Linear? = nil,
        format: WeightFormat = .float32,
        rates: DropoutRates = .none,
        memory: TrainableEncoder.Memory = .everything,
        team: ComputeTeam
    ) {
        self.plan = plan
        self.values = values
        self.gradients = gradients
        self.team = team
        encoder = TrainableEncoder(
            plan,
            values: values,
            gradients: gradients,
            format: format,
            rates: rates,
            memory: memory,
            team: team
        )
        head =
            plan.head.last == nil
            ? nil
            : TrainableHead(
                plan.head,
                hidden: plan.configuration.hiddenSize,
                values: values,
                gradients: gradients,
                format: format,
                rates: rates,
                team: team
            )
        embedding = SentenceEmbedding(team: team)
        logitLosses = LogitLosses(team: team)
        spanLosses = SpanLosses(team: team)
        self.projection = projection.map {
            TrainableLinear(
                $0,
                values: values,
                gradients: gradients,
                format: .float32,
                packedInputs: StepWeight(.float32),
                team: team
            )
        }
    }

    /// Packs the weights as they are now. To be called before the first pass and whenever values have changed.
    package func refresh() {
        encoder.refresh()
        head?.refresh()
        projection?.refresh()
    }

    // MARK: - A step

    /// Computes a batch's loss and adds the gradients of all parameters.
    ///
    /// - Parameters:
    ///   - teacher: what the objective needs of a teacher.
    ///   - whole: of all batches of the step, where there are several.
    package func learn(
        _ batch: Batch,
        _ supervision: Supervision,
        _ objective: Objective,
        teacher: TeacherOutputs = TeacherOutputs(),
        randomness: Randomness? = nil,
        of whole: LossCounts? = nil
    ) throws(TensorError) -> LossValues {
        let own = counts(batch, supervision, objective)
        let shares = Shares(own, of: whole ?? own)
        let losses = try loss(batch, supervision, objective, teacher: teacher, randomness: randomness, shares)
        try encoder.backward()
        return losses
    }

    /// What the losses of a batch are means over.
    package func counts(_ batch: Batch, _ supervision: Supervision, _ objective: Objective) -> LossCounts {
        var rows = head?.head.readsFirstToken == true ? batch.sequences : batch.tokens
        if case .words(let chosen, _) = supervision { rows = chosen.count }
        var softTargets = rows
        if case .questionAnswering? = head?.head { softTargets = batch.sequences }
        if !objective.softTargetsOfAllTokens {
            switch supervision {
            case .tokens, .words: softTargets = supervision.count
            default: break
            }
        }
        return LossCounts(
            task: supervision.count,
            softTargets: softTargets,
            logits: rows,
            tokens: batch.tokens,
            sequences: batch.sequences
        )
    }

    /// A batch's part of a step's counts.
    private struct Shares {
        let task: Double
        let softTargets: Double
        let logits: Double
        let tokens: Double
        let sequences: Double

        init(_ own: LossCounts, of whole: LossCounts) {
            func share(_ count: KeyPath<LossCounts, Int>) -> Double {
                own[keyPath: count] == whole[keyPath: count]
                    ? 1 : Double(own[keyPath: count]) / Double(whole[keyPath: count])
            }
            task = share(\.task)
            softTargets = share(\.softTargets)
            logits = share(\.logits)
            tokens = share(\.tokens)
            sequences = share(\.sequences)
        }
    }

    private func loss(
        _ batch: Batch,
        _ supervision: Supervision,
        _ objective: Objective,
        teacher: TeacherOutputs,
        randomness: Randomness?,
        _ shares: Shares
    ) throws(TensorError) -> LossValues {
        let usesLogits = objective.task > 0 || objective.softTargets > 0 || objective.logits > 0
        var comparesPairs = false
        if case .pairs = supervision { comparesPairs = true }
        let usesEmbeddings = objective.embedding > 0 || comparesPairs
        let rows = headRows(batch, supervision)
        let readsFirst = head?.head.readsFirstToken == true && !usesEmbeddings && objective.cosine == 0
        var projections: Set<Int> = []
        if objective.relations > 0, let pair = objective.relationLayers { projections = [pair.student] }
        try encoder.forward(
            batch,
            randomness: randomness,
            firstTokensOnly: readsFirst,
            projections: projections
        )
        var losses = LossValues()
        if let head, usesLogits, !comparesPairs {
            try head.forward(
                encoder.lastHidden,
                rows: readsFirst ? Array(0..<batch.sequences) : rows,
                randomness: randomness
            )
            head.logitsGradient.clear()
            addLogitLosses(batch, supervision, objective, teacher, shares, head, &losses)
            try head.backward(into: encoder.lastHiddenGradient)
        }
        if usesEmbeddings { try addEmbeddingLosses(batch, supervision, objective, teacher, shares, &losses) }
        try addStateLosses(batch, objective, teacher, shares, readsFirst, &losses)
        return losses
    }

    /// The rows of the last hidden states that the head reads, where those are of all tokens.
    private func headRows(_ batch: Batch, _ supervision: Supervision) -> [Int] {
        if case .words(let rows, _) = supervision { return rows }
        return head?.head.readsFirstToken == true ? batch.firstRows : Array(0..<batch.tokens)
    }

    // MARK: - Losses of logits

    private func addLogitLosses(
        _ batch: Batch,
        _ supervision: Supervision,
        _ objective: Objective,
        _ teacher: TeacherOutputs,
        _ shares: Shares,
        _ head: TrainableHead,
        _ losses: inout LossValues
    ) {
        let (logits, gradient) = (head.logits, head.logitsGradient)
        if objective.task > 0 {
            let weight = objective.task * shares.task
            switch supervision {
            case .none, .pairs: break
            case .labels(let labels), .tokens(let labels), .words(_, let labels):
                losses.task = logitLosses.crossEntropy(logits, labels: labels, weight: weight, into: gradient)
            case .probabilities(let wanted):
                losses.task = logitLosses.crossEntropy(logits, probabilities: wanted, weight: weight, into: gradient)
            case .labelSets(let wanted):
                losses.task = logitLosses.binaryCrossEntropy(logits, targets: wanted, weight: weight, into: gradient)
            case .values(let wanted):
                losses.task = logitLosses.squaredError(logits, targets: wanted, weight: weight, into: gradient)
            case .spans(let spans):
                losses.task =
                    spanLosses.crossEntropy(logits, batch.bounds, spans: spans, weight: weight, into: gradient)
            }
        }
        guard let wanted = teacher.logits else { return }
        if objective.softTargets > 0 {
            losses.softTargets += softTargets(batch, supervision, objective, wanted, shares, head)
        }
        if objective.logits > 0 {
            losses.logits += logitLosses.squaredError(
                logits,
                targets: (0..<wanted.rows).flatMap { Array(wanted[$0]) },
                weight: objective.logits * shares.logits,
                into: gradient
            )
        }
    }

    private func softTargets(
        _ batch: Batch,
        _ supervision: Supervision,
        _ objective: Objective,
        _ wanted: Matrix,
        _ shares: Shares,
        _ head: TrainableHead
    ) -> Double {
        let (logits, gradient) = (head.logits, head.logitsGradient)
        let (weight, temperature) = (objective.softTargets * shares.softTargets, objective.temperature)
        if case .questionAnswering = head.head {
            return spanLosses.softTargets(
                logits,
                batch.bounds,
                teacherLogits: wanted,
                temperature: temperature,
                weight: weight,
                into: gradient
            )
        }
        var chosen: [Int]?
        if !objective.softTargetsOfAllTokens {
            switch supervision {
            case .tokens(let labels), .words(_, let labels): chosen = labels.indices.filter { labels[$0] >= 0 }
            default: break
            }
        }
        return logitLosses.softTargets(
            logits,
            teacherLogits: wanted,
            rows: chosen,
            temperature: temperature,
            weight: weight,
            into: gradient
        )
    }

    // MARK: - Losses of embeddings and states

    private func addEmbeddingLosses(
        _ batch: Batch,
        _ supervision: Supervision,
        _ objective: Objective,
        _ teacher: TeacherOutputs,
        _ shares: Shares,
        _ losses: inout LossValues
    ) throws(TensorError) {
        embedding.forward(encoder.lastHidden, bounds: batch.bounds)
        if case .pairs(let pairs) = supervision, objective.task > 0 {
            losses.task += EmbeddingLosses.contrastive(
                embedding.embeddings,
                pairs: pairs,
                weight: objective.task * shares.task,
                into: embedding.gradient
            )
        }
        if objective.embedding > 0, let wanted = teacher.embeddings {
            let weight = objective.embedding * shares.sequences
            losses.embedding += try withProjection(embedding.embeddings, gradient: embedding.gradient, to: wanted) {
                states,
                gradient in
                switch objective.embeddingDistance {
                case .squaredError:
                    HiddenLosses.squaredError(states, teacher: wanted, weight: weight, into: gradient, team: team)
                case .cosine:
                    HiddenLosses.cosine(states, teacher: wanted, weight: weight, into: gradient, team: team)
                }
            }
        }
        embedding.backward(into: encoder.lastHiddenGradient)
    }

    private func addStateLosses(
        _ batch: Batch,
        _ objective: Objective,
        _ teacher: TeacherOutputs,
        _ shares: Shares,
        _ firstTokensOnly: Bool,
        _ losses: inout LossValues
    ) throws(TensorError) {
        if objective.cosine > 0, let wanted = teacher.hidden {
            losses.cosine += try withProjection(
                encoder.lastHidden,
                gradient: encoder.lastHiddenGradient,
                to: wanted
            ) { states, gradient in
                HiddenLosses.cosine(
                    states,
                    teacher: wanted,
                    weight: objective.cosine * shares.tokens,
                    into: gradient,
                    team: team
                )
            }
        }
        if objective.patient > 0 {
            let weight = objective.patient * shares.sequences / Double(max(1, objective.patientLayers.count))
            for pair in objective.patientLayers {
                guard let wanted = teacher.firstStates[pair.teacher] else { continue }
                let state = encoder.hidden(pair.student + 1)
                let isOfFirst = firstTokensOnly && pair.student + 1 == plan.layers.count
                let rows = isOfFirst ? Array(0..<batch.sequences) : batch.firstRows
                let some = back.matrix(rows: rows.count, columns: state.columns)
                some.gather(state, rows: rows)
                let gradient = projectedGradient.matrix(rows: rows.count, columns: state.columns)
                gradient.clear()
                losses.patient += HiddenLosses.patient(
                    some,
                    teacher: wanted,
                    weight: weight,
                    into: gradient,
                    team: team
                )
                gradient.scatterAdd(to: encoder.hiddenGradient(pair.student + 1), rows: rows)
            }
        }
        if objective.relations > 0, let pair = objective.relationLayers, let wanted = teacher.projections {
            let heads = objective.relationHeads
            if relationLoss?.heads != heads { relationLoss = (heads, RelationLoss(heads: heads, team: team)) }
            losses.relations +=
                try relationLoss?.loss.add(
                    student: encoder.projections(pair.student),
                    teacher: wanted,
                    bounds: batch.bounds,
                    weight: objective.relations * shares.tokens,
                    into: encoder.projectionGradient(pair.student)
                ) ?? 0
        }
    }

    /// Calls `body` with states of the teacher's width and where their gradient goes: the student's own, or their projection.
    private func withProjection(
        _ states: Matrix,
        gradient: Matrix,
        to wanted: Matrix,
        _ body: (Matrix, Matrix) -> Double
    ) throws(TensorError) -> Double {
        guard states.columns != wanted.columns else { return body(states, gradient) }
        guard let projection else {
            throw .shape(operation: "a loss of states", expected: wanted.shape, actual: states.shape)
        }
        let wide = projected.matrix(rows: states.rows, columns: projection.outputs)
        try projection.forward(states, into: wide)
        let wideGradient = projectedGradient.matrix(rows: states.rows, columns: projection.outputs)
        wideGradient.clear()
        let value = body(wide, wideGradient)
        try projection.addGradients(wideGradient, inputs: states)
        let narrow = back.matrix(rows: states.rows, columns: states.columns)
        try projection.inputGradient(wideGradient, into: narrow)
        team.addScaled(1, narrow.base, count: narrow.rows * narrow.columns, to: gradient.base)
        return value
    }
}
