import ArgumentParser
import Configuration
import FoundationEssentials

/// `modelctl check`.
struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Tries a model's folder without a server: what it can do, keeps and needs, or why it is refused.",
        discussion: """
            FOLDER is a downloaded checkpoint, or a model of a repository with numbered versions and perhaps a \
            config.yaml. Each variant is packed, proved and loaded as a server does it, and 'expected.jsonl' beside \
            config.json is compared, if it is there. WEIGHTS are shared by all workers, WORKER is what each needs besides. \
            The exit status is 1 when anything is refused. With --json one line per version: {"folder","ok",\
            "architecture","family","tasks","labels","max_tokens","variants":[{"variant","ok","reason","weight_bytes",\
            "worker_bytes","instruction_set","failed_proofs","expected_answers","quality"}]}.
            """
    )

    @Argument(help: "A model's folder, or one of its versions.", completion: .directory)
    var folder: String
    @Option(
        help: ArgumentHelp(
            "The variants to try, with commas between them: fp32, bf16, int8. (default: config.yaml's, else fp32)",
            valueName: "variants"
        )
    )
    var variants: String?
    @Option(help: ArgumentHelp("The least mean cosine that a variant may have. (default: 0.99)", valueName: "number"))
    var minCosine: Double?
    @Option(
        help: ArgumentHelp("The least share of predictions that stay the same. (default: 0.98)", valueName: "number")
    )
    var minAgreement: Double?
    @Option(
        help: ArgumentHelp("Texts to compare variants on, one per line. (default: some built in)", valueName: "path"),
        completion: .file()
    )
    var calibrationFile: String?
    @Option(
        help: ArgumentHelp("Compute threads of a worker. (default: as many as a server gives it)", valueName: "number")
    )
    var threads: Int?
    @Option(
        help: ArgumentHelp("The worker program. (default: modelworker beside modelctl)", valueName: "path"),
        completion: .file()
    )
    var workerExecutable: String?
    @Flag(help: "Print JSON, for scripts.")
    var json = false

    private var names: [String]? { variants.map { CommaList($0).values } }

    func validate() throws {
        if let names {
            let known = ModelConfiguration.knownVariants
            guard !names.isEmpty, names.allSatisfy(known.contains), Set(names).count == names.count else {
                throw ValidationError("--variants takes \(known.joined(separator: ", ")), each at most once")
            }
        }
        for (name, value) in [("--min-cosine", minCosine), ("--min-agreement", minAgreement)] {
            guard value.map((0...1).contains) ?? true else { throw ValidationError("\(name) goes from 0 to 1") }
        }
        guard threads.map((1...1024).contains) ?? true else { throw ValidationError("--threads goes from 1 to 1024") }
    }

    func run() throws {
        let checked: CheckedFolders
        let check: FolderCheck
        do {
            checked = try folders()
            check = try FolderCheck(
                workerExecutable: workerExecutable,
                environment: ProcessInfo.processInfo.environment,
                threads: threads ?? 0
            )
        } catch {
            Console.error("\(error)")
            throw ExitCode.failure
        }
        var allServe = true
        for (index, folder) in checked.folders.enumerated() {
            let report = CheckReport(folder, checked.configuration, with: check)
            allServe = allServe && report.isServed
            if json {
                Console.line(report.json)
            } else {
                if index > 0 { Console.line("") }
                for line in report.lines { Console.line(line) }
            }
        }
        guard allServe else { throw ExitCode.failure }
    }

    private func folders() throws -> CheckedFolders {
        var folders = try CheckedFolders(folder)
        folders.apply(
            variants: names,
            calibrationFile: calibrationFile.map { $0.hasPrefix("/") ? $0 : "\(currentFolder())/\($0)" },
            minCosine: minCosine,
            minAgreement: minAgreement
        )
        return folders
    }

    private func currentFolder() -> String { FileManager.default.currentDirectoryPath }
}
