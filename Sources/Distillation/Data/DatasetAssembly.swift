import JSON

/// Makes one data set of what files say: decides the task, numbers the labels and checks each example.
struct DatasetAssembly {
    let options: DatasetOptions

    func dataset(_ files: [DataRecords]) throws(DistillationError) -> Dataset {
        var notices: [String] = []
        let task = try chosenTask(files, notices: &notices)
        // What is said of texts whose vectors are trained is read like any other label, and may be missing.
        let kind = task == .embed ? Self.decision(files).task : task
        for file in files where kind != .multiLabel || options.labelUse == .required {
            try checkLabels(are: file, multiLabel: kind == .multiLabel)
        }
        let format = kind == .classify ? files.first { !$0.labels.isEmpty }?.labels ?? [] : []
        var labels: LabelIndex
        if let model = options.labels, kind != .regression, kind != .answer {
            labels = try LabelIndex(model: model, format: format)
        } else {
            labels = LabelIndex(found: try Self.names(files, kind: kind), format: format)
        }

        var dataset = Dataset(task: task, warnings: files.flatMap(\.warnings))
        for file in files {
            for record in file.records {
                let target = try Self.target(of: record, kind: kind, labels: &labels, file: file.file)
                dataset.examples.append(
                    Example(text: record.text, pair: record.pair, words: record.words, target: target, id: record.id)
                )
            }
        }
        dataset.labels = labels.names
        if let notice = labels.notice { notices.append(notice) }
        dataset.notices = notices
        dataset.warnings += DatasetChecks.warnings(of: dataset)
        dataset.warnings += Self.disagreements(files)
        return dataset
    }

    // MARK: - The task

    private func chosenTask(_ files: [DataRecords], notices: inout [String]) throws(DistillationError) -> TrainingTask {
        if let task = options.task {
            if let format = files.lazy.compactMap(\.task).first, format != task, task != .embed {
                throw .usage("the format is for the task \(format.rawValue), not \(task.rawValue)")
            }
            return task
        }
        let (task, reason) = Self.decision(files)
        notices.append("The task is \(task.rawValue): \(reason).")
        return task
    }

    /// The task that the data is for, and why.
    static func decision(_ files: [DataRecords]) -> (task: TrainingTask, reason: String) {
        if let task = files.lazy.compactMap(\.task).first { return (task, "the format is for it") }
        var (labelled, numbers, fractions, lists, bars) = (0, 0, 0, 0, 0)
        for record in files.lazy.flatMap(\.records) where !record.isBare {
            labelled += 1
            var number: Double?
            switch record.statement {
            case .answers: return (.answer, "the examples have answers")
            case .tags: return (.tag, "the examples have tags")
            case .names: lists += 1
            case .cell(let text):
                if text.utf8.contains(UInt8(ascii: "|")) { bars += 1 }
                number = Double(text)
            case .number(let value, _): number = value
            case .none, .name, .probabilities: break
            }
            guard let number, number.isFinite else { continue }
            numbers += 1
            if number != number.rounded() { fractions += 1 }
        }
        if lists > 0 { return (.multiLabel, "\(counted(lists, "example")) of \(labelled) with a list of labels") }
        if bars > 0 { return (.multiLabel, "\(counted(bars, "label")) of \(labelled) with | between names") }
        if numbers > 0, numbers == labelled, fractions > 0 {
            return (.regression, "the labels are numbers, \(fractions) of \(labelled) with a fraction")
        }
        return (.classify, labelled == 0 ? "nothing says otherwise; no example has a label" : "each label is one name")
    }

    // MARK: - Labels

    /// A file says something about each of its examples, or about none.
    private func checkLabels(are file: DataRecords, multiLabel: Bool) throws(DistillationError) {
        let bare = file.records.lazy.filter { record in
            if multiLabel, case .cell = record.statement { return false }
            return record.isBare
        }
        guard let first = bare.first else { return }
        let isLabelled = file.records.contains { !$0.isBare }
        guard isLabelled || options.labelUse == .required else { return }
        throw .failed(
            "\(first.place(in: file.file)): the label is missing; texts without labels belong in a file of their own"
        )
    }

    /// All names of labels in the data.
    private static func names(_ files: [DataRecords], kind: TrainingTask) throws(DistillationError) -> [String] {
        guard [.classify, .multiLabel, .tag].contains(kind) else { return [] }
        var seen: Set<ExactString> = []
        for file in files {
            for record in file.records where !record.isBare {
                for name in try names(of: record, kind: kind, file: file.file) { seen.insert(ExactString(name)) }
            }
        }
        return seen.map(\.string)
    }

    private static func names(
        of record: DataRecord,
        kind: TrainingTask,
        file: String
    ) throws(DistillationError) -> [String] {
        switch (kind, record.statement) {
        case (_, .none): return []
        case (.tag, .tags(let tags)): return tags
        case (.tag, _):
            throw mismatch(record, file, "tags need JSON lines with \"tokens\" and \"tags\"")
        case (_, .probabilities(let probabilities, let label)):
            return probabilities.map(\.label) + (label.map { [$0] } ?? [])
        case (.multiLabel, .cell(let text)):
            return text.split(separator: "|").map(trimmed).filter { !$0.isEmpty }
        case (.multiLabel, .names(let names)): return names
        case (_, .cell(let text)):
            guard !isBlank(text) else { throw mismatch(record, file, "the label is empty") }
            return [text]
        case (_, .name(let name)): return [name]
        case (_, .number(_, let text)): return [text]
        case (_, .names(let names)):
            guard names.count == 1 else {
                throw mismatch(record, file, "there are \(names.count) labels; one is right for \(kind.rawValue)")
            }
            return names
        case (_, .tags), (_, .answers):
            throw mismatch(record, file, "this is no example of \(kind.rawValue)")
        }
    }

    // MARK: - Targets

    private static func target(
        of record: DataRecord,
        kind: TrainingTask,
        labels: inout LabelIndex,
        file: String
    ) throws(DistillationError) -> Target {
        if record.isBare {
            // An empty cell of a table of labels names none of them.
            if kind == .multiLabel, case .cell = record.statement { return .labels([]) }
            return .none
        }
        switch kind {
        case .regression: return .value(try value(of: record, file: file))
        case .answer:
            guard case .answers(let answers) = record.statement else {
                throw mismatch(record, file, "this is no question with answers")
            }
            return .answers(answers)
        case .classify, .multiLabel, .tag, .embed: break
        }
        if case .probabilities(let probabilities, let label) = record.statement, kind != .tag {
            if let label { _ = try labels.number(label, place: record.place(in: file)) }
            return try soft(probabilities, record: record, kind: kind, labels: &labels, file: file)
        }
        var numbers: [Int] = []
        for name in try names(of: record, kind: kind, file: file) {
            numbers.append(try labels.number(name, place: record.place(in: file)))
        }
        return switch kind {
        case .tag: .tags(numbers)
        case .multiLabel: .labels(Set(numbers).sorted())
        default: .label(numbers[0])
        }
    }

    private static func value(of record: DataRecord, file: String) throws(DistillationError) -> Float {
        let text: String
        switch record.statement {
        case .number(_, let written), .cell(let written), .name(let written): text = trimmed(written[...])
        default: throw mismatch(record, file, "a number is needed for regression")
        }
        guard let value = Float(text), value.isFinite else {
            throw mismatch(record, file, "\(quoted(text)) is not a number")
        }
        return value
    }

    /// Probabilities in the order of the labels, zero for those that are not named.
    ///
    /// Those of one label of several have to sum to 1, give or take what rounding loses (2 %), and are made to.
    private static func soft(
        _ probabilities: [(label: String, probability: Double)],
        record: DataRecord,
        kind: TrainingTask,
        labels: inout LabelIndex,
        file: String
    ) throws(DistillationError) -> Target {
        var values = [Double](repeating: 0, count: labels.names.count)
        for (label, probability) in probabilities {
            values[try labels.number(label, place: record.place(in: file))] += probability
        }
        guard kind != .multiLabel else { return .probabilities(values.map { Float(min($0, 1)) }) }
        let sum = values.reduce(0, +)
        guard abs(sum - 1) <= 0.02 else {
            throw mismatch(record, file, "the probabilities sum to \(sum), not to 1; name each label that has one")
        }
        return .probabilities(values.map { Float($0 / sum) })
    }

    /// A count of the examples whose label is not the likeliest of their probabilities.
    private static func disagreements(_ files: [DataRecords]) -> [String] {
        var count = 0
        for record in files.lazy.flatMap(\.records) {
            guard case .probabilities(let probabilities, let label?) = record.statement else { continue }
            let own = probabilities.first { ExactString($0.label) == ExactString(label) }?.probability ?? 0
            if probabilities.contains(where: { $0.probability > own }) { count += 1 }
        }
        guard count > 0 else { return [] }
        return [
            "\(counted(count, "example")) with a label that is not the likeliest by its probabilities, which count."
        ]
    }

    private static func mismatch(_ record: DataRecord, _ file: String, _ message: String) -> DistillationError {
        .failed("\(record.place(in: file)): \(message)")
    }
}

/// A text without white space at its ends.
func trimmed(_ text: Substring) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
        let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
}
