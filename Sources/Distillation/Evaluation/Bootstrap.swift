import Glibc

/// A number that a model's answers to examples make together, where each example counts as often as it was drawn.
///
/// Every example counts once for the number itself.
package typealias Statistic = @Sendable (_ counts: [Int32]) -> Double

/// How sure a number is, by drawing the examples again and again, with repetition (Efron, "Bootstrap Methods: Another
/// Look at the Jackknife", 1979).
///
/// A resample is the same for every system, so that differences are paired: what is hard for both costs neither.
///
/// Where a recipe was run with several seeds, two things vary: the examples and the seed. The examples are drawn as
/// ever. To draw from four seeds as if they were all that there are is far too sure of itself: it takes the spread
/// for smaller by √(3/4), and the spread's own error for nothing (Hesterberg, "What Teachers Should Know about the
/// Bootstrap", The American Statistician 69, 2015, on samples this small). So each resample moves the mean over the
/// seeds by a draw from Student's t distribution with S − 1 degrees of freedom, times the seeds' standard deviation
/// by √S, which is the exact interval where the examples are no source of doubt and seeds are normal; adding draws of
/// both sources is a generalised confidence interval (Weerahandi, Journal of the American Statistical Association 88,
/// 1993). The seeds' deviation includes what the choice of examples does to each seed, so that the interval is rather
/// too wide than too narrow. Of one seed, nothing is known about others, and the interval is about the examples
/// alone.
///
/// What is said of seeds holds for draws of the training data, of which each run has another one: which one it was is as
/// random as the seed, and its spread is in the runs' own.
///
/// Reproducible: resamples follow from the seed, however many systems are compared.
package struct Bootstrap: Sendable {
    package let examples: Int
    package let resamples: Int
    package let seed: UInt64

    package init(examples: Int, resamples: Int = 2000, seed: UInt64) {
        precondition(examples > 0 && resamples > 0, "there is nothing to draw")
        self.examples = examples
        self.resamples = resamples
        self.seed = seed
    }

    /// A number with the values that it might as well have had.
    package struct Distribution: Sendable, Equatable {
        package let estimate: Double
        /// By resample.
        package let values: [Double]

        /// The percentile interval.
        package func interval(_ level: Double = 0.95) -> Interval {
            let sorted = values.filter(\.isFinite).sorted()
            return Interval(
                estimate: estimate,
                lower: Self.quantile(sorted, (1 - level) / 2),
                upper: Self.quantile(sorted, (1 + level) / 2)
            )
        }

        /// How much more this is than another number of the same resamples.
        package func minus(_ other: Distribution) -> Distribution { combined(other, -) }

        /// Which part of another number of the same resamples this is.
        package func divided(by other: Distribution) -> Distribution { combined(other, /) }

        package func plus(_ number: Double) -> Distribution {
            Distribution(estimate: estimate + number, values: values.map { $0 + number })
        }

        private func combined(_ other: Distribution, _ operation: (Double, Double) -> Double) -> Distribution {
            precondition(values.count == other.values.count, "numbers of the same resamples")
            return Distribution(
                estimate: operation(estimate, other.estimate),
                values: zip(values, other.values).map(operation)
            )
        }

        /// Between the two values around it, linearly; NaN of nothing.
        private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
            guard let last = sorted.last else { return .nan }
            let place = share * Double(sorted.count - 1)
            let below = Int(place)
            guard below + 1 < sorted.count else { return last }
            return sorted[below] + (place - Double(below)) * (sorted[below + 1] - sorted[below])
        }
    }

    /// The means over their seeds of several systems' numbers.
    ///
    /// - Parameter systems: of each system the number of each of its seeds, at least one, on the same examples.
    package func distributions(_ systems: [[Statistic]]) -> [Distribution] { resampled(systems).map(\.mean) }

    /// As `distributions`, and each run's own number, of which the examples are the only doubt.
    package func resampled(_ systems: [[Statistic]]) -> [(mean: Distribution, runs: [Distribution])] {
        let once = Array(repeating: Int32(1), count: examples)
        let all = systems.map { runs in runs.map { $0(once) } }
        let deviations = all.map(Self.deviationOfMean)
        var values = systems.map { _ in [Double]() }
        var runValues = systems.map { runs in runs.map { _ in [Double]() } }
        for resample in 0..<resamples {
            var generator = SeededGenerator(seed: seed, stream: UInt64(resample))
            let counts = draw(&generator)
            for (place, runs) in systems.enumerated() {
                let numbers = runs.map { $0(counts) }
                for (run, number) in numbers.enumerated() { runValues[place][run].append(number) }
                var mean = numbers.reduce(0, +) / Double(runs.count)
                if runs.count > 1 {
                    mean += deviations[place] * generator.studentT(degrees: runs.count - 1)
                }
                values[place].append(mean)
            }
        }
        return systems.indices.map { place in
            let numbers = all[place]
            return (
                Distribution(estimate: numbers.reduce(0, +) / Double(numbers.count), values: values[place]),
                zip(numbers, runValues[place]).map { Distribution(estimate: $0, values: $1) }
            )
        }
    }

    /// How much more one system's number is than another's, run by run: for systems that were made with the same seeds or on
    /// the same draws of data, where what a seed or a draw does to both cancels.
    package func difference(_ runs: [Statistic], _ others: [Statistic]) -> Distribution {
        precondition(runs.count == others.count, "runs in pairs")
        let differences = zip(runs, others).map { run, other -> Statistic in { run($0) - other($0) } }
        return distributions([differences])[0]
    }

    /// How often each example is drawn.
    private func draw(_ generator: inout SeededGenerator) -> [Int32] {
        var counts = Array(repeating: Int32(0), count: examples)
        counts.withUnsafeMutableBufferPointer { counts in
            for _ in 0..<examples { counts[generator.below(examples)] += 1 }
        }
        return counts
    }

    /// The standard error of a mean; 0 of one number.
    private static func deviationOfMean(_ values: [Double]) -> Double {
        guard values.count > 1 else { return 0 }
        let count = Double(values.count)
        let mean = values.reduce(0, +) / count
        let squares = values.reduce(0.0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / (count - 1) / count).squareRoot()
    }
}

/// A number and where it lies with a certain confidence.
package struct Interval: Sendable, Equatable {
    package let estimate: Double
    package let lower: Double
    package let upper: Double

    package init(estimate: Double, lower: Double, upper: Double) {
        self.estimate = estimate
        self.lower = lower
        self.upper = upper
    }

    /// Not surer than `examples` can make it: where none of them speaks against a number, resamples do not differ, and
    /// the lower end is what that many leave open (Clopper and Pearson, Biometrika 26, 1934): 0.025^(1/n) of it.
    package func withDoubt(examples: Int) -> Interval {
        guard lower == upper, lower > 0 else { return self }
        return Interval(estimate: estimate, lower: lower * pow(0.025, 1 / Double(examples)), upper: upper)
    }

    /// Cut where the number cannot be.
    package func clamped(to range: ClosedRange<Double>) -> Interval {
        func cut(_ value: Double) -> Double { min(max(value, range.lowerBound), range.upperBound) }
        return Interval(estimate: estimate, lower: cut(lower), upper: cut(upper))
    }
}

/// What a difference shows.
package enum Verdict: String, Sendable, Equatable {
    case better, worse
    /// The interval includes 0: the difference may as well be chance.
    case noGain = "no gain"

    /// - Parameter difference: of a number that is the better the greater it is.
    package init(_ difference: Interval) {
        self = difference.lower > 0 ? .better : difference.upper < 0 ? .worse : .noGain
    }
}
