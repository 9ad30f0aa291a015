import DistilBERT
import ModelFiles
import Tensors
import Testing
import Training

/// Gradients of whole objectives against differences of their own losses: what the arithmetic says, whatever was recorded.
@Suite struct ObjectiveDifferenceTests {
    @Test(arguments: GoldenCase.names) func theLossChangesAsTheGradientSays(_ name: String) throws {
        let test = try GoldenCase(name)
        let trained = try test.model(.plain)
        try check(trained) { try GoldenGradientTests.learn(test, trained).reduce(0) { $0 + $1.value } }
    }

    /// The last layer's queries are wanted of all tokens by the relations, and of the first tokens by the classifier.
    @Test(arguments: [TrainableEncoder.Memory.everything, .outputs])
    func relationsOfTheLastLayerBesideAClassifier(_ memory: TrainableEncoder.Memory) throws {
        let name = try #require(
            GoldenCase.names.first { name in
                (try? GoldenCase(name)).map { (try? $0.node.member("labels")) != nil } == true
            }
        )
        let test = try GoldenCase(name)
        let trained = try test.model(.plain, memory: memory)
        let batch = Batch(test.sequences)
        let hidden = test.plan.configuration.hiddenSize
        var objective = Objective.task
        objective.relations = 2
        objective.relationHeads = 4
        let last = test.plan.layers.count - 1
        objective.relationLayers = Objective.LayerPair(student: last, teacher: 0)
        objective.patient = 3
        objective.patientLayers = [0, last].map { Objective.LayerPair(student: $0, teacher: $0) }
        func made(_ rows: Int, _ columns: Int, _ phase: Double) -> FloatBuffer {
            let buffer = FloatBuffer(count: rows * columns)
            for index in 0..<buffer.count { buffer.base[index] = Float(sine(phase + Double(index) * 1.7)) }
            return buffer
        }
        let projections = made(batch.tokens, 3 * hidden, 1)
        let firsts = [0, last].map { made(batch.sequences, hidden, Double($0 + 2)) }
        var teacher = TeacherOutputs()
        teacher.projections = projections.matrix(rows: batch.tokens, columns: 3 * hidden)
        for (layer, first) in zip([0, last], firsts) {
            teacher.firstStates[layer] = first.matrix(rows: batch.sequences, columns: hidden)
        }
        let supervision = try GoldenGradientTests.supervision(test, batch)
        try check(trained) { try trained.model.learn(batch, supervision, objective, teacher: teacher).total }
        let losses = try trained.model.learn(batch, supervision, objective, teacher: teacher)
        #expect(losses.task > 0 && losses.relations > 0 && losses.patient > 0)
        withExtendedLifetime((projections, firsts)) {}
    }

    /// Moves some parameters along their gradient: the loss has to change by the gradient's length.
    private func check(_ trained: GoldenCase.Trained, _ learn: () throws -> Double) throws {
        trained.gradients.clear()
        _ = try learn()
        let parameters = trained.values.layout.parameters.map { parameter in
            let gradient = (0..<parameter.count).map { trained.gradients[parameter][$0] }
            let square = gradient.reduce(0) { $0 + Double($1) * Double($1) }
            return (parameter: parameter, gradient: gradient, length: square.squareRoot())
        }
        let longest = parameters.map(\.length).max() ?? 0
        #expect(longest > 0)
        let felt = parameters.filter { $0.length > 0.02 * longest }
        for (index, (parameter, gradient, length)) in felt.enumerated() where index % max(1, felt.count / 5) == 0 {
            let start = (0..<parameter.count).map { trained.values[parameter][$0] }
            func loss(_ step: Double) throws -> Double {
                for place in start.indices {
                    trained.values[parameter][place] = start[place] + Float(step / length) * gradient[place]
                }
                trained.model.refresh()
                return try learn()
            }
            let step = 2e-3
            let change = try (loss(step) - loss(-step)) / (2 * step)
            _ = try loss(0)
            #expect(abs(change - length) <= 0.02 * length + 3e-4, "\(parameter.name): \(change), not \(length)")
        }
    }
}
