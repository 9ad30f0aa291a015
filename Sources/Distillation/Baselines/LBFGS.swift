/// The minimum of a smooth function by L-BFGS (Nocedal and Wright, "Numerical Optimization", algorithm 7.5) with a bisecting
/// line search for the weak Wolfe conditions (Lewis and Overton, "Nonsmooth optimization via quasi-Newton methods").
///
/// Deterministic: sums run in the order of the elements.
struct LBFGS {
    /// Pairs of steps and changes of the gradient that are kept.
    var memory = 10
    var mostIterations = 1000
    /// The search ends where no element of the gradient is larger.
    var tolerance: Double

    struct Outcome {
        var isConverged: Bool
        var iterations: Int
        /// How often the function was worked out.
        var evaluations: Int
    }

    /// Moves `point` to a minimum.
    ///
    /// - Parameter function: fills the gradient at a point and returns the value there.
    func minimise(
        _ point: inout [Double],
        _ function: (_ point: [Double], _ gradient: inout [Double]) -> Double
    ) -> Outcome {
        var gradient = [Double](repeating: 0, count: point.count)
        var value = function(point, &gradient)
        var evaluations = 1
        var steps: [(step: [Double], change: [Double], product: Double)] = []
        var (trial, trialGradient, direction) = (point, gradient, gradient)
        for iteration in 0..<mostIterations {
            guard largest(gradient) > tolerance else {
                return Outcome(isConverged: true, iterations: iteration, evaluations: evaluations)
            }
            direct(&direction, gradient, steps)
            let slope = dot(direction, gradient)
            // 1 is the length of Newton's step; the first direction is the gradient, of any length.
            var length = steps.isEmpty ? 1 / dot(gradient, gradient).squareRoot() : 1
            var (shortest, longest) = (0.0, Double.infinity)
            var isFound = false
            for _ in 0..<50 {
                move(&trial, from: point, along: direction, by: length)
                let trialValue = function(trial, &trialGradient)
                evaluations += 1
                if !(trialValue <= value + 1e-4 * length * slope) {
                    longest = length
                } else if dot(direction, trialGradient) < 0.9 * slope {
                    shortest = length
                } else {
                    value = trialValue
                    isFound = true
                    break
                }
                length = longest.isFinite ? (shortest + longest) / 2 : 2 * shortest
            }
            // Rounding hides what is left to gain.
            guard isFound else {
                return Outcome(isConverged: false, iterations: iteration, evaluations: evaluations)
            }
            var step = trial
            var change = trialGradient
            subtract(point, from: &step)
            subtract(gradient, from: &change)
            let product = dot(step, change)
            if product > 0 {
                if steps.count == memory { steps.removeFirst() }
                steps.append((step, change, product))
            }
            swap(&point, &trial)
            swap(&gradient, &trialGradient)
        }
        return Outcome(isConverged: false, iterations: mostIterations, evaluations: evaluations)
    }

    /// The direction to search: minus the gradient times an estimate of the inverse second derivatives.
    private func direct(
        _ direction: inout [Double],
        _ gradient: [Double],
        _ steps: [(step: [Double], change: [Double], product: Double)]
    ) {
        for index in gradient.indices { direction[index] = -gradient[index] }
        var shares: [Double] = []
        for (step, change, product) in steps.reversed() {
            let share = dot(step, direction) / product
            add(change, times: -share, to: &direction)
            shares.append(share)
        }
        if let last = steps.last {
            let scale = last.product / dot(last.change, last.change)
            for index in direction.indices { direction[index] *= scale }
        }
        for ((step, change, product), share) in zip(steps, shares.reversed()) {
            add(step, times: share - dot(change, direction) / product, to: &direction)
        }
    }
}

// MARK: - Vectors of one length

/// Eight sums side by side, then these in order: the same on every machine.
func dot(_ left: [Double], _ right: [Double]) -> Double {
    precondition(left.count == right.count)
    var sums = SIMD8<Double>.zero
    let whole = left.count & ~7
    var total = 0.0
    left.withUnsafeBytes { left in
        right.withUnsafeBytes { right in
            for index in stride(from: 0, to: whole, by: 8) {
                sums +=
                    left.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
                    * right.loadUnaligned(fromByteOffset: index * 8, as: SIMD8<Double>.self)
            }
        }
    }
    for lane in 0..<8 { total += sums[lane] }
    for index in whole..<left.count { total += left[index] * right[index] }
    return total
}

private func largest(_ vector: [Double]) -> Double {
    vector.reduce(0) { max($0, abs($1)) }
}

private func subtract(_ other: [Double], from vector: inout [Double]) {
    for index in vector.indices { vector[index] -= other[index] }
}

private func add(_ other: [Double], times factor: Double, to vector: inout [Double]) {
    for index in vector.indices { vector[index] += factor * other[index] }
}

private func move(_ target: inout [Double], from start: [Double], along direction: [Double], by length: Double) {
    for index in target.indices { target[index] = start[index] + length * direction[index] }
}
