import Glibc
import Tensors
import Testing

@Suite struct PlainFunctionsTests {
    /// From −40 to 40 in steps that are no multiples of anything, and values near 0.
    private static let samples =
        (0...8000).map { -40 + 0.010_000_37 * Double($0) } + [-1e-3, -1e-9, -0.0, 0, 1e-300, 1e-9, 1e-3]

    @Test func theyAreThoseOfTheCLibrary() {
        for x in Self.samples {
            #expect(abs(PlainFunctions.exp(x) / exp(x) - 1) < 1e-14, "exp \(x)")
            #expect(abs(PlainFunctions.erf(x) - erf(x)) < 2e-12, "erf \(x)")
            #expect(abs(PlainFunctions.tanh(x) - tanh(x)) < 1e-14, "tanh \(x)")
            let softplus = x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))
            #expect(abs(PlainFunctions.softplus(x) / softplus - 1) < 1e-14, "softplus \(x)")
        }
    }

    @Test func whatIsTooLargeOrNoNumberStaysSo() {
        #expect(Float(PlainFunctions.exp(-.infinity)) == 0 && Float(PlainFunctions.exp(1e9)) == .infinity)
        #expect(PlainFunctions.erf(.infinity) == 1 && PlainFunctions.erf(-.infinity) == -1)
        #expect(PlainFunctions.tanh(.infinity) == 1 && PlainFunctions.tanh(-.infinity) == -1)
        #expect(PlainFunctions.softplus(1e9) == 1e9 && Float(PlainFunctions.softplus(-1e9)) == 0)
        for function in [PlainFunctions.exp, PlainFunctions.erf, PlainFunctions.tanh, PlainFunctions.softplus] {
            #expect(function(.nan).isNaN)
        }
    }
}
