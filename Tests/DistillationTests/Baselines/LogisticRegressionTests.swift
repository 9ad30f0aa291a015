import Distillation
import Testing

@Suite struct LogisticRegressionTests {
    /// Rows around a corner for each of three classes.
    private func problem(rows: Int = 45, seed: UInt64 = 1) -> (rows: FeatureRows, data: Dataset) {
        var generator = SeededGenerator(seed: seed)
        var values: [Float] = []
        var examples: [Example] = []
        for row in 0..<rows {
            for feature in 0..<3 {
                values.append((feature == row % 3 ? 1 : 0) + Float(generator.uniform() - 0.5) * 1.6)
            }
            examples.append(Example(text: "\(row)", target: .label(row % 3)))
        }
        return (
            FeatureRows(dense: values, width: 3), Dataset(task: .classify, labels: ["a", "b", "c"], examples: examples)
        )
    }

    @Test func theSameRowsGiveTheSameBits() throws {
        let (rows, data) = problem()
        let targets = try LinearTargets(data)
        let first = try LogisticRegression(c: 3).fit(rows, targets)
        let second = try LogisticRegression(c: 3).fit(rows, targets)
        #expect(first.scores(rows) == second.scores(rows))
        #expect(first.isConverged)
    }

    @Test func aStartElsewhereEndsAtTheSameMinimum() throws {
        let (rows, data) = problem()
        let targets = try LinearTargets(data)
        let far = try LogisticRegression(c: 100).fit(rows, targets)
        let cold = try LogisticRegression(c: 1, tolerance: 1e-8).fit(rows, targets)
        let warm = try LogisticRegression(c: 1, tolerance: 1e-8).fit(rows, targets, from: far)
        for (left, right) in zip(cold.predictions(rows), warm.predictions(rows)) { #expect(abs(left - right) < 1e-5) }
    }

    /// The fit of probabilities that a model gives is that model, where nothing holds its weights small.
    @Test func probabilitiesAreLearnt() throws {
        let (rows, data) = problem()
        let teacher = try LogisticRegression(c: 1).fit(rows, try LinearTargets(data))
        let soft = LinearTargets(link: .softmax, values: teacher.predictions(rows), outputs: 3)
        let student = try LogisticRegression(c: 1e6, tolerance: 1e-8).fit(rows, soft)
        for (left, right) in zip(teacher.predictions(rows), student.predictions(rows)) {
            #expect(abs(left - right) < 1e-3)
        }
    }

    @Test func crossValidationChoosesTheBestAndTheSmallestOfEqualOnes() throws {
        let (rows, data) = problem(rows: 90)
        let folds = try data.folds(k: 5, seed: 1)
        let targets = try LinearTargets(data)
        let choice = try LogisticRegression.crossValidated(rows, targets, folds: folds, grid: [1, 1e-6, 1e-7])
        #expect(choice.scores.map(\.c) == [1e-7, 1e-6, 1])
        let best = choice.scores.map(\.score).max()!
        #expect(choice.c == choice.scores.first { $0.score == best }!.c)
        #expect(best > 0.6)
        // Held-out predictions are those of models that had not seen the row.
        let fold = folds[2]
        let model = try LogisticRegression(c: choice.c, tolerance: 1e-4)
            .fit(rows.selecting(fold.train), targets.selecting(fold.train))
        let own = model.predictions(rows.selecting(fold.test))
        for (row, index) in fold.test.enumerated() {
            for output in 0..<3 { #expect(abs(choice.heldOut[index * 3 + output] - own[row * 3 + output]) < 1e-2) }
        }
        let equal = try LogisticRegression.crossValidated(rows, targets, folds: folds, grid: [2, 2.000001])
        #expect(equal.c == 2)
    }

    @Test func macroAccuracyWeighsClassesAlike() throws {
        // Of features that say nothing, the larger class is always said: half of the two are right.
        let rows = FeatureRows(dense: [Float](repeating: 0, count: 20), width: 1)
        let targets = LinearTargets(classes: (0..<20).map { $0 < 16 ? 0 : 1 }, of: 2)
        let examples = (0..<20).map { Example(text: "\($0)", target: .label($0 < 16 ? 0 : 1)) }
        let folds = try Dataset(task: .classify, labels: ["a", "b"], examples: examples).folds(k: 4, seed: 1)
        let choice = try LogisticRegression.crossValidated(rows, targets, folds: folds, grid: [10, 1])
        #expect(choice.scores.map(\.score) == [0.5, 0.5] && choice.c == 1)
    }

    @Test func whatCannotBeFittedIsRefused() throws {
        let (rows, data) = problem()
        let targets = try LinearTargets(data)
        #expect(throws: DistillationError.self) { try LogisticRegression(c: 0).fit(rows, targets) }
        #expect(throws: DistillationError.self) { try LogisticRegression().fit(rows, targets.selecting([1])) }
        let holes = FeatureRows(dense: [Float](repeating: .nan, count: 45), width: 1)
        #expect(throws: DistillationError.self) { try LogisticRegression().fit(holes, targets) }
        let raw = Dataset(task: .classify, labels: ["a"], examples: [Example(text: "a")])
        #expect(throws: DistillationError.self) { try LinearTargets(raw) }
    }
}
