import DistilBERT
import Tensors
import Testing
import Training

/// Gradients of whole objectives against differences of their own losses: what the arithmetic says, whatever was recorded.
@Suite struct ObjectiveDifferenceTests {
    /// Some parameters of each case, moved along their gradient: the loss changes by the gradient's length.
    @Test(arguments: GoldenCase.names) func theLossChangesAsTheGradientSays(_ name: String) throws {
        let test = try GoldenCase(name)
        let trained = try test.model(.plain)
        _ = try GoldenGradientTests.learn(test, trained)
        let parameters = trained.values.layout.parameters.map { parameter in
            let gradient = (0..<parameter.count).map { trained.gradients[parameter][$0] }
            return (
                parameter: parameter, gradient: gradient,
                length: gradient.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
            )
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
                return try GoldenGradientTests.learn(test, trained).reduce(0) { $0 + $1.value }
            }
            let step = 2e-3
            let change = try (loss(step) - loss(-step)) / (2 * step)
            _ = try loss(0)
            #expect(abs(change - length) <= 0.02 * length + 1e-3, "\(parameter.name): \(change), not \(length)")
        }
    }
}
