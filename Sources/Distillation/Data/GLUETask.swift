import JSON

/// A task of GLUE (Wang et al., arXiv 1804.07461) by the name of its folder, and how its files are laid out.
package enum GLUETask: String, Sendable, Hashable, CaseIterable {
    case cola = "CoLA"
    case sst2 = "SST-2"
    case mrpc = "MRPC"
    case qqp = "QQP"
    case qnli = "QNLI"
    case rte = "RTE"
    case wnli = "WNLI"
    case mnli = "MNLI"
    case stsb = "STS-B"

    package var task: TrainingTask { self == .stsb ? .regression : .classify }

    /// The labels as published, in the order that models number them; empty for STS-B.
    package var labels: [String] {
        switch self {
        case .stsb: []
        case .mnli: ["entailment", "neutral", "contradiction"]
        case .qnli, .rte: ["entailment", "not_entailment"]
        default: ["0", "1"]
        }
    }

    /// The columns of the texts and of the label: as published, then as the data set's copies call them.
    private var columns: (text: [String], pair: [String], label: [String]) {
        switch self {
        case .cola, .sst2: (["sentence"], [], ["label"])
        case .mrpc: (["#1 String", "sentence1"], ["#2 String", "sentence2"], ["Quality", "label"])
        case .qqp: (["question1"], ["question2"], ["is_duplicate", "label"])
        case .qnli: (["question"], ["sentence"], ["label"])
        case .rte, .wnli: (["sentence1"], ["sentence2"], ["label"])
        case .mnli: (["sentence1", "premise"], ["sentence2", "hypothesis"], ["gold_label", "label"])
        case .stsb: (["sentence1"], ["sentence2"], ["score", "label"])
        }
    }

    /// The examples of a `train.tsv`, `dev.tsv` or `test.tsv`; the last has no labels.
    ///
    /// Rows with too few fields, an empty text or a label that is none of the task's are passed over and counted: the
    /// published QQP and MNLI have some.
    func records(_ input: DataInput, longest: Int) throws(DistillationError) -> DataRecords {
        var rows = DelimitedRows(input, style: .tabs, longest: longest)
        var result = DataRecords(file: input.file, labels: labels, task: task)
        guard let first = try rows.next() else { throw .failed("\(input.file) is empty") }
        var pending: DelimitedRows.Row?
        let text: Int
        let label: Int?
        var pair: Int?
        if self == .cola, !first.fields.contains("sentence") {
            // CoLA's train.tsv and dev.tsv have no header: source, label, the author's mark, sentence.
            guard first.fields.count == 4 else {
                throw input.error(
                    line: 1,
                    "CoLA has 4 fields without a header, or a column \"sentence\"; this row has \(first.fields.count)"
                )
            }
            (text, label, pending) = (3, 1, first)
        } else {
            let header = TableColumns(first, input: input)
            text = try Self.column(header, columns.text)
            if !columns.pair.isEmpty { pair = try Self.column(header, columns.pair) }
            label = try header.position(ofAny: columns.label)
        }
        let names = labels
        var (passedOver, firstPassedOver) = (0, 0)
        while true {
            let next = if let pending { pending } else { try rows.next() }
            pending = nil
            guard let row = next else { break }
            guard let record = record(row, text: text, pair: pair, label: label, names: names) else {
                if passedOver == 0 { firstPassedOver = row.line }
                passedOver += 1
                continue
            }
            result.records.append(record)
        }
        if passedOver > 0 {
            result.warnings.append(
                "\(input.file): \(counted(passedOver, "row")) without a text or a label of \(rawValue), the first on line "
                    + "\(firstPassedOver), passed over."
            )
        }
        return result
    }

    private func record(
        _ row: DelimitedRows.Row,
        text: Int,
        pair: Int?,
        label: Int?,
        names: [String]
    ) -> DataRecord? {
        guard row.fields.count > max(text, pair ?? 0, label ?? 0), !isBlank(row.fields[text]) else { return nil }
        var record = DataRecord(line: row.line, text: row.fields[text])
        if let pair {
            guard !isBlank(row.fields[pair]) else { return nil }
            record.pair = row.fields[pair]
        }
        guard let label else { return record }
        let said = row.fields[label]
        if self == .stsb {
            guard let score = Double(said), score.isFinite else { return nil }
            record.statement = .number(score, text: said)
        } else if names.contains(said) {
            record.statement = .name(said)
        } else if let index = Int(said), names.indices.contains(index) {
            record.statement = .name(names[index])
        } else {
            return nil
        }
        return record
    }

    private static func column(_ header: TableColumns, _ names: [String]) throws(DistillationError) -> Int {
        if let found = try header.position(ofAny: names) { return found }
        return try header.required(names[0], flag: nil)
    }
}
