import ArgumentParser
import Distillation

struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract:
            "Compares students with their teacher, and with what else would do: a page for people, and its numbers.",
        discussion: """
            Students whose recipes differ in the seed alone are one system. Of each student the bf16 and int8 variants are judged, too. \
            With --train, a frozen encoder and tf-idf, each with logistic regression, are fitted to it and judged beside them.
            """
    )

    @Option(help: ArgumentHelp("The model that is to be replaced.", valueName: "dir"))
    var teacher: String

    @Option(help: ArgumentHelp("A model to judge; may be repeated.", valueName: "dir"))
    var student: [String] = []

    @Option(help: ArgumentHelp("The same student trained without a teacher; may be repeated.", valueName: "dir"))
    var baseline: [String] = []

    @Option(
        help: ArgumentHelp(
            "Labelled examples for the baselines that are fitted here; several are joined.",
            valueName: "file"
        )
    )
    var train: [String] = []

    @Option(
        help: ArgumentHelp(
            "Raw text that the students learnt from, to look for texts to test on in.",
            valueName: "file"
        )
    )
    var unlabelled: [String] = []

    @OptionGroup var data: DataOptions

    @Option(
        name: .customLong("out-of-scope"),
        help: ArgumentHelp("A label of the data that the models do not know; may be repeated.", valueName: "label")
    )
    var outOfScope: [String] = []

    @Option(help: ArgumentHelp("The metric that decides. (default: the usual one of the task)", valueName: "name"))
    var metric: String?

    @Option(help: ArgumentHelp("The folder of report.json and report.html.", valueName: "dir"))
    var output: String

    @Flag(help: "Replace a report that is there.")
    var force = false

    @Option(help: ArgumentHelp("Of everything that is drawn.", valueName: "n"))
    var seed: UInt64 = 1

    @Option(help: ArgumentHelp("Threads to compute with. (default: one per CPU)", valueName: "n"))
    var threads: Int?

    @Flag(help: "Print the result as one JSON object.")
    var json = false

    func run() throws {
        try ReportFiles.check(output, replacing: force)
        let source = try ModelSource(teacher)
        let labels = source.labels
        let tested = try data.read(
            data.files,
            use: .required,
            labels: labels.map { $0 + outOfScope },
            task: source.task
        )
        let training =
            train.isEmpty ? nil : try data.read(train, use: .required, labels: labels, task: tested.task)
        let raw = unlabelled.isEmpty ? nil : try data.read(unlabelled, use: .ignored, task: tested.task)
        var files: [ReportSetting.DataFile] = []
        for (role, paths, examples) in [
            ("test", data.files, tested.count), ("train", train, training?.count ?? 0),
            ("unlabelled", unlabelled, raw?.count ?? 0),
        ] where !paths.isEmpty {
            files.append(try ReportSetting.DataFile(role: role, paths: paths, examples: examples))
        }
        let format = try data.format.map { try DatasetOptions.Format(parsing: $0) } ?? .byName
        let report = try Comparison(
            .init(teacher: teacher, students: student, baselines: baseline),
            training: training,
            unlabelled: raw,
            data: tested,
            outOfScope: outOfScope,
            metric: metric ?? Comparison.usualMetric(tested.task, format),
            files: files,
            seed: seed,
            threads: threads ?? availableThreads(),
            report: { Console.report($0) }
        ).run()
        try ReportFiles.write(report, to: output)
        Console.result(
            [
                ("headline", report.headline), ("serve", report.recommended), ("distillation", report.gainSentence),
                ("report", "\(output)/\(ReportFiles.json)"), ("page", "\(output)/\(ReportFiles.html)"),
            ],
            json: json
        )
    }
}
