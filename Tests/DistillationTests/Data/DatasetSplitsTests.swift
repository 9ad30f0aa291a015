import Distillation
import Testing

@Suite struct DatasetSplitsTests {
    /// `counts[i]` examples of label i, their texts all different.
    private func data(_ counts: [Int]) -> Dataset {
        var examples: [Example] = []
        for (label, count) in counts.enumerated() {
            for index in 0..<count { examples.append(Example(text: "\(label) \(index)", target: .label(label))) }
        }
        return Dataset(task: .classify, labels: counts.indices.map { "l\($0)" }, examples: examples)
    }

    @Test func holdingOutKeepsShares() throws {
        let all = data([50, 30, 20, 1])
        let (train, heldOut) = try all.split(fraction: 0.2, seed: 3)
        #expect(heldOut.labelCounts == [10, 6, 4, 0])
        #expect(train.labelCounts == [40, 24, 16, 1])
        #expect(Set(train.examples).union(heldOut.examples) == Set(all.examples))
        #expect(try all.split(fraction: 0.2, seed: 3).heldOut.examples == heldOut.examples)
        #expect(try all.split(fraction: 0.2, seed: 4).heldOut.examples != heldOut.examples)
    }

    @Test func remaindersGoToTheLargest() throws {
        // Shares 0.9, 0.6, 0.3: two are held out.
        #expect(try data([9, 6, 3]).split(fraction: 0.1, seed: 1).heldOut.labelCounts == [1, 1, 0])
        #expect(try data([1, 1, 2]).split(fraction: 0.9, seed: 1).heldOut.labelCounts == [0, 0, 1])
    }

    @Test func eachExampleIsInOneTest() throws {
        let all = data([13, 8, 2])
        let folds = try all.folds(k: 4, seed: 9)
        #expect(folds.flatMap(\.test).sorted() == Array(all.examples.indices))
        for fold in folds {
            #expect((fold.train + fold.test).sorted() == Array(all.examples.indices))
            #expect(fold.test.count == 5 || fold.test.count == 6)
            let counts = all.selecting(fold.test).labelCounts
            #expect((3...4).contains(counts[0]) && counts[1] == 2 && counts[2] <= 1)
        }
        #expect(try all.folds(k: 4, seed: 9) == folds)
    }

    @Test func questionsOfOneContextStayTogether() throws {
        let examples = (0..<40).map { Example(text: "q\($0)", pair: "c\($0 / 4)", target: .answers([])) }
        let (train, heldOut) = try Dataset(task: .answer, examples: examples).split(fraction: 0.3, seed: 1)
        #expect(heldOut.count == 12)
        #expect(Set(train.examples.map(\.pair)).isDisjoint(with: heldOut.examples.map(\.pair)))
    }

    @Test func numbersAreDividedByTheirTenths() throws {
        let examples = (0..<100).map { Example(text: "\($0)", target: .value(Float($0 * 37 % 100))) }
        let heldOut = try Dataset(task: .regression, examples: examples).split(fraction: 0.1, seed: 5).heldOut
        let tenths = heldOut.examples.map { example -> Int in
            if case .value(let value) = example.target { Int(value) / 10 } else { -1 }
        }
        #expect(tenths.sorted() == Array(0..<10))
    }

    @Test func samplesHaveOneCountForEachLabel() throws {
        let all = data([20, 3, 10])
        let (sample, rest) = try all.sample(perClass: 8, seed: 1)
        #expect(sample.labelCounts == [8, 3, 8] && rest.labelCounts == [12, 0, 2])
        #expect(sample.labels == all.labels)
        #expect(try all.sample(perClass: 8, seed: 1).sample.examples == sample.examples)
    }

    @Test func whatCannotBeDividedIsRefused() {
        #expect(throws: DistillationError.self) { try data([5]).split(fraction: 1, seed: 0) }
        #expect(throws: DistillationError.self) { try data([1]).split(fraction: 0.5, seed: 0) }
        #expect(throws: DistillationError.self) { try data([5]).folds(k: 6, seed: 0) }
        #expect(throws: DistillationError.self) { try data([5]).folds(k: 1, seed: 0) }
        #expect(throws: DistillationError.self) { try data([5]).sample(perClass: 0, seed: 0) }
        #expect(throws: DistillationError.self) {
            try Dataset(task: .tag, examples: [Example(text: "a")]).sample(perClass: 1, seed: 0)
        }
    }
}
