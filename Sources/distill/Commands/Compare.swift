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

            Where labels are few, a verdict on a recipe needs several draws of them: give the --teacher, the --student and the --train \
            file of each draw. The recipe in each model's folder tells which draw it is of, and models of one draw are compared.
            """
    )

    @Option(
        help: ArgumentHelp(
            "The model that is to be replaced; of several draws of the data that of each.",
            valueName: "dir"
        )
    )
    var teacher: [String] = []

    @Option(help: ArgumentHelp("A model to judge; may be repeated.", valueName: "dir"))
    var student: [String] = []

    @Option(help: ArgumentHelp("The same student trained without a teacher; may be repeated.", valueName: "dir"))
    var baseline: [String] = []

    @Option(
        help: ArgumentHelp(
            "Labelled examples for the baselines that are fitted here; several of one draw are joined.",
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

    @OptionGroup var scope: ScopeOption

    @Option(help: ArgumentHelp("The metric that decides. (default: the usual one of the task)", valueName: "name"))
    var metric: String?

    @Option(help: ArgumentHelp("The folder of report.json and report.html.", valueName: "dir"))
    var output: String

    @OptionGroup var replacing: ReplacingOption
    @OptionGroup var common: CommonOptions

    func run() throws {
        try ReportFiles.check(output, replacing: replacing.force)
        let draws = try Draws(teachers: teacher)
        let source = try ModelSource(teacher[0])
        let labels = source.labels
        let tested = try data.read(data.files, use: .required, labels: scope.labels(source), task: source.task)
        var files = [try ReportSetting.DataFile(role: "test", paths: data.files, examples: tested.count)]
        func read(_ role: String, _ paths: [String], _ use: DatasetOptions.LabelUse) throws -> Dataset {
            let read = try data.read(paths, use: use, labels: use == .required ? labels : nil, task: tested.task)
            files.append(try ReportSetting.DataFile(role: role, paths: paths, examples: read.count))
            return read
        }
        let training = train.isEmpty ? [] : try draws.sorted(train).map { try read("train", $0, .required) }
        let raw = try unlabelled.map { try read("unlabelled", [$0], .ignored) }
        let format = try data.format.map { try DatasetOptions.Format(parsing: $0) } ?? .byName
        let report = try Comparison(
            .init(draws: draws, students: student, baselines: baseline),
            training: training,
            unlabelled: raw,
            data: tested,
            outOfScope: scope.outOfScope,
            metric: metric ?? Comparison.usualMetric(tested.task, format),
            files: files,
            seed: common.seed ?? 1,
            threads: common.threadCount,
            report: { Console.report($0) }
        ).run()
        try ReportFiles.write(report, to: output)
        Console.result(
            [
                ("headline", report.headline), ("serve", report.recommended), ("distillation", report.gainSentence),
                ("report", "\(output)/\(ReportFiles.json)"), ("page", "\(output)/\(ReportFiles.html)"),
            ],
            json: common.json
        )
    }
}
