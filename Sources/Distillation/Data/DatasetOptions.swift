/// How data files are to be read.
package struct DatasetOptions: Sendable {
    /// How the files are laid out.
    package enum Format: Sendable, Hashable {
        /// As the end of a file's name says: `.csv`, `.tsv`, `.jsonl` or `.json` (one object per line).
        case byName
        /// The TSV files of a GLUE task as published.
        case glue(GLUETask)
        /// SQuAD's own JSON files, version 1 or 2.
        case squad

        /// What the command line calls it: `glue:SST-2`, `squad`.
        package init(parsing text: String) throws(DistillationError) {
            if text == "squad" {
                self = .squad
            } else if text.hasPrefix("glue:"), let task = GLUETask(rawValue: String(text.dropFirst(5))) {
                self = .glue(task)
            } else {
                let known = GLUETask.allCases.map { "glue:\($0.rawValue)" }.joined(separator: ", ")
                throw .usage("there is no format '\(text)'; there are \(known) and squad")
            }
        }
    }

    /// What is made of labels.
    package enum LabelUse: Sendable, Hashable {
        /// Every example needs one.
        case required
        /// A file has one for each example, or none at all.
        case optional
        /// The files are read as raw text.
        case ignored
    }

    /// What the model is made to do; nil where the data is to say.
    package var task: TrainingTask?
    package var format: Format
    /// The name of the text's column or key; nil for `text`.
    package var textColumn: String?
    /// The name of the second text's; nil for `text_pair`.
    package var pairColumn: String?
    /// The name of the label's; nil for `label` or `labels`.
    package var labelColumn: String?
    /// The labels that there are, in the model's order; nil where the data is to say.
    package var labels: [String]?
    package var labelUse: LabelUse
    /// The most bytes of a file.
    package var longestFile = 4 << 30
    /// The most bytes of a row of a table or a line of JSON.
    package var longestLine = 16 << 20

    package init(
        task: TrainingTask? = nil,
        format: Format = .byName,
        textColumn: String? = nil,
        pairColumn: String? = nil,
        labelColumn: String? = nil,
        labels: [String]? = nil,
        labelUse: LabelUse = .optional
    ) {
        self.task = task
        self.format = format
        self.textColumn = textColumn
        self.pairColumn = pairColumn
        self.labelColumn = labelColumn
        self.labels = labels
        self.labelUse = labelUse
    }
}
