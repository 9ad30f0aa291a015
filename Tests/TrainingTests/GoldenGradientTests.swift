import DistilBERT
import ModelFiles
import Tensors
import Testing
import Training

/// Losses and gradients of every head and loss against PyTorch in double precision.
@Suite struct GoldenGradientTests {
    @Test(arguments: GoldenCase.names) func lossAndGradientsAreThoseOfPyTorch(_ name: String) throws {
        let test = try GoldenCase(name)
        for set in InstructionSet.allCases where set.isSupported {
            for memory in [TrainableEncoder.Memory.everything, .outputs] {
                let trained = try test.model(set, threads: memory == .outputs ? 2 : 1, memory: memory)
                let values = try Self.learn(test, trained)
                for (kind, value, expected) in values {
                    #expect(abs(value - expected) <= 2e-5 * max(1, abs(expected)), "\(set) \(kind)")
                }
                try Self.compare(test, trained, "\(set) \(memory)")
            }
        }
    }

    /// Whatever the number of threads, and whether layers are kept or computed again: the same bits.
    @Test(arguments: GoldenCase.names) func bitsDoNotDependOnThreads(_ name: String) throws {
        let test = try GoldenCase(name)
        var first: [UInt32]?
        for threads in [1, 2, 3] {
            for memory in [TrainableEncoder.Memory.everything, .outputs] {
                let trained = try test.model(.best, threads: threads, memory: memory)
                _ = try Self.learn(test, trained)
                let memory = trained.gradients.memory
                let bits = (0..<memory.count).map { memory.base[$0].bitPattern }
                if let first { #expect(bits == first, "\(threads) threads") }
                first = first ?? bits
            }
        }
    }

    /// Computes a case's loss and gradients.
    static func learn(
        _ test: GoldenCase,
        _ trained: GoldenCase.Trained
    ) throws -> [(kind: String, value: Double, expected: Double)] {
        var objective = Objective()
        var supervision = Supervision.none
        var sequences = test.sequences
        var results: [(String, KeyPath<LossValues, Double>, Double)] = []
        var teacher = TeacherOutputs()
        teacher.logits = test.matrix("teacher.logits")
        teacher.hidden = test.matrix("teacher.states")
        teacher.embeddings = test.matrix("teacher.embeddings")
        if let queries = test.matrix("teacher.queries"), let keys = test.matrix("teacher.keys"),
            let values = test.matrix("teacher.values")
        {
            teacher.projections = GrowingBuffer.sideBySide([queries, keys, values])
        }
        for term in try test.terms() {
            switch term.kind {
            case "task":
                objective.task = term.weight
                results.append(("task", \.task, term.weight * term.value))
            case "soft_targets":
                objective.softTargets = term.weight
                objective.temperature = try term.node.required("temperature").number()
                objective.softTargetsOfAllTokens = try term.node.member("rows")?.string() != "labelled"
                results.append((term.kind, \.softTargets, term.weight * term.value))
            case "logit_mse":
                objective.logits = term.weight
                results.append((term.kind, \.logits, term.weight * term.value))
            case "hidden_cosine":
                objective.cosine = term.weight
                results.append((term.kind, \.cosine, term.weight * term.value))
            case "pkd":
                objective.patient = term.weight
                objective.patientLayers = try term.node.required("layers").elements().map { pair in
                    let layers = try pair.integers()
                    return Objective.LayerPair(student: layers[0], teacher: layers[1])
                }
                for pair in objective.patientLayers {
                    teacher.firstStates[pair.teacher] = test.matrix("teacher.first.\(pair.teacher)")
                }
                results.append((term.kind, \.patient, term.weight * term.value))
            case "relations":
                objective.relations = term.weight
                let layers = try term.node.required("layers").elements()[0].integers()
                objective.relationLayers = Objective.LayerPair(student: layers[0], teacher: layers[1])
                objective.relationHeads = try term.node.required("relation_heads").integer(in: 1...64)
                results.append((term.kind, \.relations, term.weight * term.value))
            case "embedding_mse", "embedding_cosine":
                objective.embedding = term.weight
                objective.embeddingDistance = term.kind == "embedding_mse" ? .squaredError : .cosine
                results.append((term.kind, \.embedding, term.weight * term.value))
            case "pairs":
                objective.task = term.weight
                let pairs = try test.node.required("pairs").elements()
                sequences = try pairs.flatMap { pair in
                    try ["first", "second"].map { test.sequences[try pair.required($0).integer(in: 0...99)] }
                }
                supervision = .pairs(
                    try pairs.enumerated().map { number, pair in
                        WantedCosine(2 * number, 2 * number + 1, Float(try pair.required("target").number()))
                    }
                )
                results.append((term.kind, \.task, term.weight * term.value))
            case "embedding_task":
                return [(term.kind, try embeddingTask(test, trained), term.value)]
            default: Issue.record("unknown term \(term.kind)")
            }
        }
        if case .none = supervision { supervision = try Self.supervision(test, Batch(sequences)) }
        let losses = try trained.model.learn(Batch(sequences), supervision, objective, teacher: teacher)
        return results.map { ($0.0, losses[keyPath: $0.1], $0.2) }
    }

    private static func embeddingTask(_ test: GoldenCase, _ trained: GoldenCase.Trained) throws -> Double {
        let (model, batch) = (trained.model, Batch(test.sequences))
        try model.encoder.forward(batch)
        model.embedding.forward(model.encoder.lastHidden, bounds: batch.bounds)
        let embeddings = model.embedding.embeddings
        var value = 0.0
        for row in 0..<embeddings.rows {
            for column in 0..<embeddings.columns {
                let factor = sine(Double(row * embeddings.columns + column + 1))
                value += Double(embeddings[row][column]) * factor
                model.embedding.gradient[row][column] = Float(factor)
            }
        }
        model.embedding.backward(into: model.encoder.lastHiddenGradient)
        try model.encoder.backward()
        return value
    }

    static func supervision(_ test: GoldenCase, _ batch: Batch) throws -> Supervision {
        if let labels = try test.node.member("labels") { return .labels(try labels.integers()) }
        if let sets = try test.node.member("label_sets") {
            return .labelSets(try sets.elements().flatMap { try $0.elements().map { Float(try $0.number()) } })
        }
        if let values = try test.node.member("values") {
            return .values(try values.elements().map { Float(try $0.number()) })
        }
        if let spans = try test.node.member("spans") {
            return .spans(
                try spans.elements().map { span in
                    let ends = try span.integers()
                    return ends[0]...ends[1]
                }
            )
        }
        guard let tokens = try test.node.member("token_labels") else { return .none }
        let labels = try tokens.elements().flatMap { try $0.integers() }
        guard try test.node.required("head").string() == "masked_lm" else { return .tokens(labels) }
        return .words(rows: Array(labels.indices), ids: labels)
    }

    static func compare(_ test: GoldenCase, _ trained: GoldenCase.Trained, _ what: String) throws {
        let layout = trained.values.layout
        for parameter in layout.parameters {
            let expected =
                parameter.name == "training.projection"
                ? test.tensors.tensor("grad.projection")?.floats() : test.expected(parameter, prefix: "grad.")
            let wanted = expected ?? Array(repeating: 0, count: parameter.count)
            let largest = wanted.reduce(0) { max($0, abs($1)) }
            var worst: Float = 0
            for (index, value) in wanted.enumerated() {
                let difference = abs(trained.gradients[parameter][index] - value)
                worst = difference.isNaN ? .infinity : max(worst, difference)
            }
            #expect(worst <= 1e-4 * max(largest, 0.02), "\(what) \(parameter.name): off by \(worst) of \(largest)")
        }
    }
}

extension GrowingBuffer {
    /// Matrices of the same rows as one, in memory that stays for the tests' life.
    static func sideBySide(_ parts: [Matrix]) -> Matrix {
        let buffer = GrowingBuffer()
        KeptMemory.keep(buffer)
        let columns = parts.reduce(0) { $0 + $1.columns }
        let whole = buffer.matrix(rows: parts[0].rows, columns: columns)
        var column = 0
        for part in parts {
            for row in 0..<part.rows {
                _ = whole[columns: column..<column + part.columns][row].update(fromContentsOf: part[row])
            }
            column += part.columns
        }
        return whole
    }
}
