import Distillation
import Glibc
import Testing

@Suite struct BootstrapTests {
    /// P(x > 0) of a normal x.
    private static func share(mean: Double, variance: Double) -> Double {
        erfc(-mean / (2 * variance).squareRoot()) / 2
    }

    /// Of hundreds of reruns with other examples and other seeds, the interval of the difference between a recipe and
    /// a teacher, or another recipe with the same seeds, has the true difference as often as it says. The truth is known:
    /// an example is answered rightly where the sum of the model's skill, the example's ease, the seed's luck and chance is
    /// above 0.
    @Test(arguments: [0.0, 0.3], [1, 4])
    func theIntervalCoversTheTruth(luck: Double, others: Int) {
        let (reruns, examples, seeds) = (300, 60, 4)
        let othersLuck = others > 1 ? luck : 0
        let expected = Self.share(mean: 1, variance: 2 + othersLuck * othersLuck)
        let truth = Self.share(mean: 0.8, variance: 2 + luck * luck) - expected
        var generator = SeededGenerator(seed: 5)
        var covered = 0
        var width = 0.0
        for rerun in 0..<reruns {
            let ease = (0..<examples).map { _ in generator.normal() }
            func run(_ skill: Double) -> Statistic {
                Statistics.mean(ease.map { $0 + skill + generator.normal() > 0 ? 1 : 0 })
            }
            let compared = (0..<others).map { _ in run(1 + othersLuck * generator.normal()) }
            let students = (0..<seeds).map { _ in run(0.8 + luck * generator.normal()) }
            let bootstrap = Bootstrap(examples: examples, resamples: 300, seed: UInt64(rerun))
            let interval = bootstrap.difference(students, (0..<seeds).map { compared[$0 % others] }).interval()
            covered += interval.lower <= truth && truth <= interval.upper ? 1 : 0
            width += (interval.upper - interval.lower) / Double(reruns)
        }
        let coverage = Double(covered) / Double(reruns)
        // 95 %, give or take three standard errors of 300 reruns; with one other model a little more is known to hold.
        #expect(coverage >= 0.91, "\(coverage)")
        #expect(coverage <= (others > 1 ? 0.985 : 0.99), "\(coverage): the intervals say too little")
        #expect(width < 0.3 + 1.2 * luck, "\(width)")
    }

    /// The examples' part alone is a paired bootstrap, with the standard error that theory gives.
    @Test func oneSeedIsThePlainBootstrap() throws {
        var generator = SeededGenerator(seed: 1)
        let scores = (0..<400).map { _ in generator.normal() > -0.5 ? 1.0 : 0.0 }
        let distribution = Bootstrap(examples: 400, seed: 3).distributions([[Statistics.mean(scores)]])[0]
        let mean = scores.reduce(0, +) / 400
        #expect(abs(distribution.estimate - mean) < 1e-12)
        let interval = distribution.interval()
        let expected = 1.96 * (mean * (1 - mean) / 400).squareRoot()
        #expect(abs((interval.upper - interval.lower) / 2 - expected) < 0.1 * expected)
        #expect(abs((interval.upper + interval.lower) / 2 - mean) < 0.2 * expected)
    }

    @Test func differencesArePaired() {
        var generator = SeededGenerator(seed: 2)
        // Two systems that differ in five examples of 300, all to the second one's good.
        let scores = (0..<300).map { _ in generator.normal() > 0 ? 1.0 : 0.0 }
        var better = scores
        var changed = 0
        for index in scores.indices where scores[index] == 0 && changed < 8 {
            better[index] = 1
            changed += 1
        }
        let bootstrap = Bootstrap(examples: 300, seed: 9)
        let both = bootstrap.distributions([[Statistics.mean(better)], [Statistics.mean(scores)]])
        #expect(Verdict(both[0].minus(both[1]).interval()) == .better)
        #expect(Verdict(both[1].minus(both[0]).interval()) == .worse)
        #expect(both[0].interval().lower < both[1].interval().upper, "unpaired, nothing would be shown")
        let none = both[0].minus(both[0]).interval()
        #expect(Verdict(none) == .noGain)
        #expect(none.lower == 0 && none.upper == 0)
        let kept = both[1].divided(by: both[0]).interval()
        #expect(kept.lower > 0.9 && kept.upper < 1 && kept.lower < kept.estimate)
    }

    /// Seeds that moved both systems alike do not blur their difference.
    @Test func runsOfTheSameSeedsArePaired() {
        var generator = SeededGenerator(seed: 4)
        let examples = 200
        var (first, second): ([Statistic], [Statistic]) = ([], [])
        for luck in [-0.8, 0, 0.8] {
            let base = (0..<examples).map { _ in generator.normal() + luck }
            first.append(Statistics.mean(base.map { $0 > 0 ? 1 : 0 }))
            second.append(Statistics.mean(base.map { $0 > 0.25 ? 1 : 0 }))
        }
        let bootstrap = Bootstrap(examples: examples, seed: 1)
        let apart = bootstrap.distributions([first, second])
        #expect(Verdict(apart[0].minus(apart[1]).interval()) == .noGain)
        #expect(Verdict(bootstrap.difference(first, second).interval()) == .better)
    }

    @Test func aSeedGivesTheSameBits() {
        let statistic = Statistics.confusion(gold: [0, 1, 2, 1], predicted: [0, 2, 2, 1], labels: 3) { $0.macroF1 }
        let runs = [statistic, Statistics.mean([1, 0, 1, 1])]
        let once = Bootstrap(examples: 4, resamples: 50, seed: 1).distributions([runs])
        #expect(once == Bootstrap(examples: 4, resamples: 50, seed: 1).distributions([runs]))
        #expect(once != Bootstrap(examples: 4, resamples: 50, seed: 2).distributions([runs]))
    }
}
