package import DistilBERT
package import Tensors

/// AdamW (Loshchilov and Hutter, arXiv 1711.05101) with clipping by the global norm. Biases and LayerNorms do not decay.
package final class Optimizer {
    package struct Settings: Sendable, Hashable {
        package var beta1: Double
        package var beta2: Double
        package var epsilon: Double
        package var decay: Double
        /// The longest gradient; a longer one is shortened to it.
        package var mostNorm: Double

        package init(
            beta1: Double = 0.9,
            beta2: Double = 0.999,
            epsilon: Double = 1e-8,
            decay: Double = 0.01,
            mostNorm: Double = 5
        ) {
            self.beta1 = beta1
            self.beta2 = beta2
            self.epsilon = epsilon
            self.decay = decay
            self.mostNorm = mostNorm
        }
    }

    package let settings: Settings
    /// The number of steps that were made.
    package private(set) var steps = 0

    private let values: ParameterBlock
    private let gradients: ParameterBlock
    private let team: ComputeTeam
    /// Where the parameters that decay lie in the blocks, the table apart, and where the others do.
    private var decaying = ValueRanges()
    private var others = ValueRanges()
    package let first: ParameterBlock
    package let second: ParameterBlock
    /// A table of which a step reaches few rows. The others only decay, which is made up for when a step first reaches them, or
    /// at the end: writing them all in every step takes as long as a layer.
    private let table: Parameter?
    /// The rows of it that any step has reached.
    package private(set) var reached: [Bool]
    /// What all decays so far make of a weight.
    private var decayed = 1.0

    /// - Parameter table: the word table, unless every step reaches all of its rows, as a tied decoder does.
    package init(
        _ settings: Settings,
        values: ParameterBlock,
        gradients: ParameterBlock,
        table: Parameter?,
        team: ComputeTeam
    ) {
        self.settings = settings
        self.values = values
        self.gradients = gradients
        self.table = table
        self.team = team
        first = ParameterBlock(values.layout)
        second = ParameterBlock(values.layout)
        reached = Array(repeating: false, count: table?.shape[0] ?? 0)
        for parameter in values.layout.parameters where parameter.name != table?.name {
            let start = values.layout.offset(of: parameter)
            let decays = parameter.role == .linear || parameter.role == .table
            if decays {
                decaying.append(start..<start + parameter.count)
            } else {
                others.append(start..<start + parameter.count)
            }
        }
    }

    /// Takes up where an optimiser of the same network stopped; its moments are copied to `first` and `second` by the caller.
    ///
    /// - Parameter rates: the learning rates of the steps that were made.
    package func resume(rates: some Collection<Double>, reached: [Bool]) {
        precondition(reached.count == self.reached.count, "the table has \(self.reached.count) rows")
        steps = rates.count
        decayed = rates.reduce(1) { $0 * decay($1) }
        self.reached = reached
    }

    /// Makes rows of the table what they should be before a pass reads them.
    ///
    /// - Parameter rows: the ids of all tokens of the step that follows.
    package func reach(_ rows: some Sequence<Int32>) {
        guard table != nil else { return }
        var new = [Bool](repeating: false, count: reached.count)
        for id in rows where !reached[Int(id)] { new[Int(id)] = true }
        reach(new)
    }

    /// Makes all rows of the table what they should be, after the last step.
    package func finish() { reach(reached.map { !$0 }) }

    private func reach(_ new: [Bool]) {
        for row in new.indices where new[row] { reached[row] = true }
        let base = values.memory.base
        if decayed != 1 { team.addScaled(Float(decayed - 1), base, tableRows(true, new), to: base) }
    }

    private func decay(_ rate: Double) -> Double { 1 - rate * settings.decay }

    /// Moves the values against the gradients, which are 0 afterwards.
    ///
    /// - Parameters:
    ///   - rate: the learning rate of this step.
    ///   - rows: the ids of all tokens of the step's batches, which were given to `reach` before.
    /// - Returns: the norm of the gradient before it was shortened. Where it is not finite, nothing has been changed.
    package func step(rate: Double, rows: some Sequence<Int32>) -> Double {
        var now = [Bool](repeating: false, count: reached.count)
        if table != nil { for id in rows { now[Int(id)] = true } }
        let norm = [decaying, others, tableRows(true, now)].reduce(0) {
            $0 + team.sumOfSquares(gradients.memory.base, $1)
        }
        .squareRoot()
        guard norm.isFinite else { return norm }
        steps += 1
        var step = AdamWStep(
            rate: Float(rate),
            decay: 0,
            beta1: Float(settings.beta1),
            beta2: Float(settings.beta2),
            epsilon: Float(settings.epsilon),
            correction1: Float(1 - power(settings.beta1, steps)),
            correction2: Float(1 - power(settings.beta2, steps)),
            gradientScale: Float(min(1, settings.mostNorm / (norm + 1e-6)))
        )
        move(others, step)
        step.decay = Float(settings.decay)
        move(decaying, step)
        move(tableRows(true, reached), step)
        decayed *= decay(rate)
        return norm
    }

    private func move(_ ranges: ValueRanges, _ step: AdamWStep) {
        team.adamW(
            step,
            gradient: gradients.memory.base,
            weight: values.memory.base,
            m: first.memory.base,
            v: second.memory.base,
            ranges
        )
    }

    /// The rows of the table whose flag is `wanted`; neighbours are one range.
    private func tableRows(_ wanted: Bool, _ flags: [Bool]) -> ValueRanges {
        guard let table else { return ValueRanges() }
        let (offset, columns) = (values.layout.offset(of: table), table.shape[1])
        var result = ValueRanges()
        var row = 0
        while row < flags.count {
            let start = row
            while row < flags.count, flags[row] == wanted { row += 1 }
            if row > start { result.append(offset + start * columns..<offset + row * columns) }
            while row < flags.count, flags[row] != wanted { row += 1 }
        }
        return result
    }
}

/// base to the power of a whole number, by squaring: the same bits with every C library.
private func power(_ base: Double, _ exponent: Int) -> Double {
    var (result, square, rest) = (1.0, base, exponent)
    while rest > 0 {
        if rest & 1 == 1 { result *= square }
        square *= square
        rest >>= 1
    }
    return result
}

/// The learning rate of each step: it rises from near 0 to its peak and falls again.
package struct LearningRate: Sendable, Hashable {
    package let peak: Double
    /// Steps of the rise.
    package let warmup: Int
    /// All steps.
    package let steps: Int

    package init(peak: Double, warmup: Int, steps: Int) {
        self.peak = peak
        self.warmup = warmup
        self.steps = steps
    }

    /// Of step k, counted from 0: peak·(k + 1)/warmup while it rises, then a straight line to 0 behind the last step.
    package func rate(ofStep k: Int) -> Double {
        if k < warmup { return peak * Double(k + 1) / Double(warmup) }
        return peak * Double(steps - k) / Double(max(1, steps - warmup))
    }
}
