import JSON

/// What is odd about data, in sentences for a person.
package enum DatasetChecks {
    /// Duplicates, contradictions, labels with few examples, labels that look alike, missing second texts.
    package static func warnings(of dataset: Dataset) -> [String] {
        duplicates(dataset) + rareLabels(dataset) + similarLabels(dataset) + unevenExamples(dataset)
    }

    /// How many texts of `test` are texts of `train` as well, letters' case and the amount of white space aside, with
    /// three of them; nil when there are none. A score on such texts says little about new ones.
    package static func leaks(train: [Example], test: Dataset) -> String? {
        let known = Set(train.map { normalised($0) })
        let leaked = test.examples.filter { known.contains(normalised($0)) }
        guard !leaked.isEmpty else { return nil }
        let texts = leaked.map(\.text)
        let shown = texts.prefix(3).map(quoted).joined(separator: ", ")
        return "\(counted(leaked.count, "text")) of the \(test.count) to test on "
            + "\(leaked.count == 1 ? "is" : "are") in the training data: \(shown)\(texts.count > 3 ? ", …" : "")."
    }

    private static func duplicates(_ dataset: Dataset) -> [String] {
        var first: [ExactString: Target] = [:]
        var (same, other) = (0, 0)
        var contradictory: [String] = []
        for example in dataset.examples {
            let key = ExactString(example.text + "\0" + (example.pair ?? ""))
            guard let before = first.updateValue(example.target, forKey: key) else { continue }
            first[key] = before
            if before == example.target {
                same += 1
            } else if dataset.task != .answer {
                other += 1
                if contradictory.count < 3 { contradictory.append(quoted(example.text)) }
            }
        }
        var warnings: [String] = []
        if same > 0 {
            let what = dataset.examples.allSatisfy { $0.target == .none } ? "" : " with the same label"
            warnings.append("\(counted(same, "example")) said before\(what) (duplicates).")
        }
        if other > 0 {
            warnings.append(
                "\(counted(other, "example")) said before with another label (contradictions): "
                    + contradictory.joined(separator: ", ") + (other > 3 ? ", …" : "") + "."
            )
        }
        return warnings
    }

    /// Labels with fewer examples than say anything about them.
    private static func rareLabels(_ dataset: Dataset) -> [String] {
        let enough = 5
        guard [.classify, .multiLabel, .tag].contains(dataset.task),
            dataset.examples.contains(where: { $0.target != .none })
        else { return [] }
        let counts = dataset.labelCounts
        var warnings: [String] = []
        let absent = dataset.labels.indices.filter { counts[$0] == 0 }
        if !absent.isEmpty {
            let names = listed(absent.map { dataset.labels[$0] }, of: 5)
            warnings.append("\(counted(absent.count, "label")) without an example: \(names).")
        }
        let rare = dataset.labels.indices.filter { (1..<enough).contains(counts[$0]) }.sorted {
            (counts[$0], $0) < (counts[$1], $1)
        }
        if !rare.isEmpty {
            let names = rare.prefix(5).map { "\(quoted(dataset.labels[$0])) (\(counts[$0]))" }.joined(separator: ", ")
            warnings.append(
                "\(counted(rare.count, "label")) with fewer than \(enough) examples: \(names)\(rare.count > 5 ? ", …" : "")."
            )
        }
        return warnings
    }

    /// Labels that differ in letters' case or white space alone.
    private static func similarLabels(_ dataset: Dataset) -> [String] {
        var groups: [ExactString: [String]] = [:]
        for label in dataset.labels { groups[ExactString(folded(label)), default: []].append(label) }
        let similar = groups.values.filter { $0.count > 1 }.sorted { byUTF8($0[0], $1[0]) }
        guard !similar.isEmpty else { return [] }
        let shown = similar.prefix(3).map { $0.map(quoted).joined(separator: " and ") }.joined(separator: "; ")
        return ["\(counted(similar.count, "group")) of labels that differ in case or white space only: \(shown)."]
    }

    /// Examples without what others have: a label, a second text.
    private static func unevenExamples(_ dataset: Dataset) -> [String] {
        var warnings: [String] = []
        let pairs = dataset.examples.count { $0.pair != nil }
        if pairs > 0, pairs < dataset.count {
            warnings.append("\(counted(dataset.count - pairs, "example")) of \(dataset.count) without a second text.")
        }
        let raw = dataset.examples.count { $0.target == .none }
        if raw > 0, raw < dataset.count {
            warnings.append("\(counted(raw, "example")) of \(dataset.count) without a label.")
        }
        return warnings
    }

    private static func normalised(_ example: Example) -> ExactString {
        ExactString(folded(example.text) + "\0" + (example.pair.map(folded) ?? ""))
    }

    /// Lower case, a space for each run of white space, none at the ends.
    private static func folded(_ text: String) -> String {
        text.lowercased().unicodeScalars.split(whereSeparator: \.properties.isWhitespace).map { String($0) }
            .joined(separator: " ")
    }
}

extension Dataset {
    /// The number of examples of each label, in their order: of tags the words, of probabilities the likeliest.
    package var labelCounts: [Int] {
        var counts = [Int](repeating: 0, count: labels.count)
        for example in examples {
            switch example.target {
            case .label(let label): counts[label] += 1
            case .labels(let numbers), .tags(let numbers): for number in numbers { counts[number] += 1 }
            case .probabilities(let probabilities):
                if task == .multiLabel {
                    for (label, probability) in probabilities.enumerated() where probability >= 0.5 {
                        counts[label] += 1
                    }
                } else if let label = likeliest(probabilities) {
                    counts[label] += 1
                }
            case .none, .value, .answers: break
            }
        }
        return counts
    }
}

/// The index of the largest value, the first of equal ones; nil when there is none.
func likeliest<Value: Comparable>(_ values: [Value]) -> Int? {
    values.indices.dropFirst().reduce(values.indices.first) { best, index in
        best.map { values[index] > values[$0] ? index : $0 }
    }
}
