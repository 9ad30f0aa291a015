import DistilBERT
import Tensors
import Testing
import Training

/// What the word table's optimiser leaves out is nothing: a step gives what AdamW over all values gives.
@Suite struct OptimizerTests {
    private struct Reference {
        var weights: [Double]
        var first: [Double]
        var second: [Double]

        /// Loshchilov and Hutter, with every value.
        mutating func step(_ gradient: [Double], number: Int, rate: Double, decay: Double, scale: Double) {
            func power(_ base: Double) -> Double { (0..<number).reduce(1) { product, _ in product * base } }
            for index in weights.indices {
                let g = gradient[index] * scale
                weights[index] *= 1 - rate * decay
                first[index] = 0.9 * first[index] + 0.1 * g
                second[index] = 0.999 * second[index] + 0.001 * g * g
                let (m, v) = (first[index] / (1 - power(0.9)), second[index] / (1 - power(0.999)))
                weights[index] -= rate * m / (v.squareRoot() + 1e-8)
            }
        }
    }

    @Test func rowsThatNoStepReachesOnlyDecay() throws {
        let test = try GoldenCase(try #require(GoldenCase.runs.first))
        let trained = try test.model(.best, threads: 2)
        let (layout, decay) = (trained.values.layout, 0.1)
        let settings = Optimizer.Settings(decay: decay, mostNorm: 1e9)
        let table = test.plan.embeddings.word
        let optimizer = Optimizer(
            settings,
            values: trained.values,
            gradients: trained.gradients,
            table: table,
            team: trained.team
        )
        var references = layout.parameters.map { parameter in
            let zeros = [Double](repeating: 0, count: parameter.count)
            let weights = (0..<parameter.count).map { Double(trained.values[parameter][$0]) }
            return Reference(weights: weights, first: zeros, second: zeros)
        }
        let columns = table.shape[1]
        let rates = (1...5).map { 0.01 * Double($0) }
        for (number, reached) in [[7, 9], [9], [30], [7, 30, 39], [12]].enumerated() {
            let (rate, rows) = (rates[number], reached.map { Int32($0) })
            // As if the run had been taken up here.
            if number == 3 { optimizer.resume(rates: rates[..<3], reached: optimizer.reached) }
            optimizer.reach(rows)
            for row in reached {
                let now = trained.values[table][row * columns]
                let right = references[layout.parameters.firstIndex { $0.name == table.name } ?? 0].weights[
                    row * columns
                ]
                #expect(abs(Double(now) - right) < 1e-5, "row \(row) before step \(number)")
            }
            for (parameter, place) in zip(layout.parameters, references.indices) {
                var gradient = [Double](repeating: 0, count: parameter.count)
                for index in gradient.indices where parameter.name != table.name || reached.contains(index / columns) {
                    gradient[index] = Double(Float(sine(Double(index * 7 + place + number))) * 0.1)
                    trained.gradients[parameter][index] = Float(gradient[index])
                }
                let decays = parameter.role == .linear || parameter.role == .table
                references[place]
                    .step(gradient, number: number + 1, rate: rate, decay: decays ? decay : 0, scale: 1)
            }
            _ = optimizer.step(rate: rate, rows: rows)
            #expect(trained.gradients.memory.base[trained.gradients.layout.offset(of: table)] == 0)
        }
        #expect(optimizer.reached.indices.filter { optimizer.reached[$0] } == [7, 9, 12, 30, 39])
        optimizer.finish()
        for (parameter, reference) in zip(layout.parameters, references) {
            let worst =
                reference.weights.enumerated().map { abs($1 - Double(trained.values[parameter][$0])) }.max() ?? 0
            #expect(worst < 1e-5, "\(parameter.name): off by \(worst)")
        }
    }

    @Test func aGradientThatIsNotFiniteChangesNothing() throws {
        let test = try GoldenCase(try #require(GoldenCase.runs.first))
        let trained = try test.model(.plain)
        let optimizer = Optimizer(
            Optimizer.Settings(),
            values: trained.values,
            gradients: trained.gradients,
            table: nil,
            team: trained.team
        )
        func bits(_ block: ParameterBlock) -> [UInt32] {
            (0..<block.memory.count).map { block.memory.base[$0].bitPattern }
        }
        let before = bits(trained.values)
        trained.gradients[test.plan.layers[0].parameters[0]][3] = .infinity
        #expect(!optimizer.step(rate: 0.1, rows: [Int32]()).isFinite)
        #expect(bits(trained.values) == before && optimizer.steps == 0)
        #expect(bits(optimizer.first).allSatisfy { $0 == 0 })
    }
}
