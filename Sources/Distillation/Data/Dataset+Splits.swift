import JSON

extension Dataset {
    /// The same data set with some of its examples, in their order there; what was odd about the whole is not repeated.
    package func selecting(_ indices: [Int]) -> Dataset {
        Dataset(task: task, labels: labels, examples: indices.map { examples[$0] })
    }

    /// Holds out `fraction` of the examples, the same share of each label as far as whole numbers allow. A label's last
    /// example stays in `train`. Questions about one context stay together.
    package func split(
        fraction: Double,
        seed: UInt64
    ) throws(DistillationError) -> (train: Dataset, heldOut: Dataset) {
        guard fraction > 0, fraction < 1 else {
            throw .usage("a fraction between 0 and 1 can be held out, not \(fraction)")
        }
        let units = strata
        let heldOut = Stratified.heldOut(units.strata, fraction: fraction, seed: seed).flatMap { units.units[$0] }
            .sorted()
        guard !heldOut.isEmpty else {
            throw .failed("\(counted(count, "example")) are too few to hold out \(fraction) of them")
        }
        let chosen = Set(heldOut)
        return (selecting(examples.indices.filter { !chosen.contains($0) }), selecting(heldOut))
    }

    /// `k` pairs of indices to train on and to test on, ascending: each example is in one test, and each test has the same
    /// share of each label as far as whole numbers allow. Questions about one context stay together.
    package func folds(k: Int, seed: UInt64) throws(DistillationError) -> [Stratified.Fold] {
        let units = strata
        guard k >= 2, k <= units.units.count else {
            throw .usage("\(k) folds of \(counted(units.units.count, "example")) cannot be made; from 2 to as many can")
        }
        return Stratified.folds(units.strata, k: k, seed: seed).map { fold in
            Stratified.Fold(
                train: fold.train.flatMap { units.units[$0] }.sorted(),
                test: fold.test.flatMap { units.units[$0] }.sorted()
            )
        }
    }

    /// `perClass` examples of each label, or all where there are fewer, and the rest. An example of several labels counts
    /// for the rarest of them.
    package func sample(perClass: Int, seed: UInt64) throws(DistillationError) -> (sample: Dataset, rest: Dataset) {
        guard perClass > 0 else { throw .usage("\(perClass) examples of each label cannot be drawn") }
        guard task == .classify || task == .multiLabel else {
            throw .usage("examples can be drawn by their label for classify and multi-label, not for \(task.rawValue)")
        }
        var generator = SeededGenerator(seed: seed)
        var chosen: Set<Int> = []
        for var members in Stratified.members(strata.strata) {
            generator.shuffle(&members)
            chosen.formUnion(members.prefix(perClass))
        }
        return (selecting(chosen.sorted()), selecting(examples.indices.filter { !chosen.contains($0) }))
    }

    /// What stays together, and the stratum of each: its label, the rarest of its labels, or its tenth by value.
    private var strata: (units: [[Int]], strata: [Int]) {
        if task == .answer {
            var places: [ExactString: Int] = [:]
            var units: [[Int]] = []
            for (index, example) in examples.enumerated() {
                let context = ExactString(example.pair ?? example.text)
                if let place = places[context] {
                    units[place].append(index)
                } else {
                    places[context] = units.count
                    units.append([index])
                }
            }
            return (units, [Int](repeating: 0, count: units.count))
        }
        return (examples.indices.map { [$0] }, exampleStrata)
    }

    private var exampleStrata: [Int] {
        let counts = labelCounts
        var ranks: [Int: Int] = [:]
        if task == .regression || task == .embed {
            let values = examples.indices.compactMap { index -> (index: Int, value: Float)? in
                if case .value(let value) = examples[index].target { (index, value) } else { nil }
            }
            let ordered = values.sorted { ($0.value, $0.index) < ($1.value, $1.index) }
            for (rank, element) in ordered.enumerated() { ranks[element.index] = rank * 10 / ordered.count }
        }
        return examples.enumerated().map { index, example in
            switch example.target {
            case .label(let label): label
            case .labels(let numbers): numbers.min { (counts[$0], $0) < (counts[$1], $1) } ?? labels.count
            case .probabilities(let probabilities): likeliest(probabilities) ?? labels.count
            case .value: ranks[index] ?? 0
            case .none, .tags, .answers: labels.count
            }
        }
    }
}

/// Divisions of examples, given the stratum of each, that give every part its share of every stratum.
package enum Stratified {
    package struct Fold: Sendable, Hashable {
        /// Ascending indices.
        package let train: [Int]
        package let test: [Int]
    }

    /// The members of each stratum, ascending, in the order of the strata's numbers.
    static func members(_ strata: [Int]) -> [[Int]] {
        var members: [Int: [Int]] = [:]
        for (index, stratum) in strata.enumerated() { members[stratum, default: []].append(index) }
        return members.sorted { $0.key < $1.key }.map(\.value)
    }

    /// Ascending indices, ⌊fraction · count + ½⌋ of them where each stratum keeps one: of each its whole share, and of those
    /// with the largest remainders one more.
    static func heldOut(_ strata: [Int], fraction: Double, seed: UInt64) -> [Int] {
        let members = members(strata)
        let shares = members.map { Double($0.count) * fraction }
        var counts = zip(shares, members).map { min(Int($0), $1.count - 1) }
        var missing = Int((Double(strata.count) * fraction).rounded()) - counts.reduce(0, +)
        let byRemainder = members.indices.sorted {
            let (left, right) = (shares[$0] - Double(counts[$0]), shares[$1] - Double(counts[$1]))
            return left == right ? $0 < $1 : left > right
        }
        for stratum in byRemainder where missing > 0 && counts[stratum] < members[stratum].count - 1 {
            counts[stratum] += 1
            missing -= 1
        }
        var generator = SeededGenerator(seed: seed)
        var chosen: [Int] = []
        for (stratum, count) in zip(members, counts) {
            var members = stratum
            generator.shuffle(&members)
            chosen += members.prefix(count)
        }
        return chosen.sorted()
    }

    /// Each stratum is shuffled and dealt out, the next one from where the last ended, so that tests differ by one example
    /// at most.
    static func folds(_ strata: [Int], k: Int, seed: UInt64) -> [Fold] {
        var generator = SeededGenerator(seed: seed)
        var folds = [Int](repeating: 0, count: strata.count)
        var next = 0
        for var members in members(strata) {
            generator.shuffle(&members)
            for index in members {
                folds[index] = next
                next = (next + 1) % k
            }
        }
        return (0..<k).map { fold in
            Fold(
                train: folds.indices.filter { folds[$0] != fold },
                test: folds.indices.filter { folds[$0] == fold }
            )
        }
    }
}
