import Glibc
package import JSON
import ModelFiles
import Tasks
import Wire

/// `distill publish`: a model, and the proof that it is good enough, become a version of a server's model repository.
package struct Publication {
    private let directory: String
    private let repository: ModelRepository
    private let version: Int?
    private let report: PublishedReport?
    private let floors: [QualityFloor]
    private let replacing: Bool
    private let threads: Int

    /// What was published.
    package struct Outcome: Sendable {
        package let name: String
        package let version: Int
        package let folder: String
        package let contents: String
        /// How many answers a server compares before it serves.
        package let expectedAnswers: Int
        package let floors: [(floor: QualityFloor, bound: Double)]

        /// By their names in `--json`.
        package var members: [(key: String, value: any JSONWritable)] {
            [
                ("output", folder), ("name", name), ("version", version), ("contents", contents),
                ("expected_answers", expectedAnswers), ("floors", floors.map(Manifest.json)),
            ]
        }
    }

    /// - Parameters:
    ///   - directory: the model's folder.
    ///   - version: nil for the next free one.
    ///   - report: of these weights; floors need one.
    ///   - replacing: whether a version that is there is replaced.
    package init(
        directory: String,
        repository: String,
        name: String,
        version: Int? = nil,
        report: PublishedReport? = nil,
        floors: [QualityFloor] = [],
        replacing: Bool = false,
        threads: Int = 1
    ) throws(DistillationError) {
        self.repository = try ModelRepository(repository, name: name)
        if let version, version < 1 { throw .usage("--version \(version): versions are whole numbers from 1") }
        if let floor = floors.first, report == nil {
            throw .usage("--floor \(floor.name)=\(floor.least): a floor needs the --report that shows the number")
        }
        self.directory = directory
        self.version = version
        self.report = report
        self.floors = floors
        self.replacing = replacing
        self.threads = threads
    }

    package func run() throws(DistillationError) -> Outcome {
        if let version, !replacing, repository.has(version) {
            throw .usage(
                "\(repository.folder(version)) is there; choose another --version, or --force to replace it"
            )
        }
        let model = try ServedModel(directory: directory, threads: threads)
        let task = try ModelSource(directory).task
        var judged: [(floor: QualityFloor, bound: Double)] = []
        if let report {
            let run = try report.run(of: model.contents, directory: directory)
            for floor in floors { judged.append((floor, try floor.lowerBound(in: run))) }
            for (floor, bound) in judged { try floor.check(bound) }
        }
        var files = try modelFiles()
        var added = report?.files ?? []
        // What a person has made of the reference's answers is better than the model's own.
        if !files.contains(ExpectedAnswers.fileName) {
            added.append(try ExpectedLines.make(model, task, report?.texts ?? []))
        }
        files.removeAll { name in added.contains { $0.name == name } || name == Manifest.fileName }
        try repository.prepare()
        // Another program may take the next number meanwhile.
        for attempt in 1...100 {
            let version = version ?? repository.nextVersion
            var compared = 0
            do throws(ModelFilesError) {
                try NewFolder.write(to: repository.folder(version), replacing: replacing) {
                    folder throws(ModelFilesError) in
                    var listed: [Manifest.File] = []
                    for name in files { listed.append(try copy(name, to: folder)) }
                    for file in added {
                        try file.write(to: folder)
                        listed.append(Manifest.File(file))
                    }
                    compared = try compare(model, in: folder)
                    let manifest = Manifest(
                        name: repository.name,
                        version: version,
                        task: task,
                        model: model,
                        recipe: try? readText("\(directory)/\(RecipeFile.name)"),
                        report: report,
                        floors: judged,
                        files: listed
                    )
                    try manifest.file.write(to: folder)
                }
            } catch {
                if error.code == .existingFolder, self.version == nil, attempt < 100 { continue }
                repository.tidy()
                throw .failed("\(error)")
            }
            return Outcome(
                name: repository.name,
                version: version,
                folder: repository.folder(version),
                contents: model.contents,
                expectedAnswers: compared,
                floors: judged
            )
        }
        throw .failed("\(repository.path)/\(repository.name): others publish there all the time; give a --version")
    }

    /// The names of the model's files, those in its folders with a path, sorted. Hidden files are none of them.
    private func modelFiles() throws(DistillationError) -> [String] {
        var result: [String] = []
        func collect(_ folder: String, depth: Int) throws(DistillationError) {
            for name in fileNames(in: "\(directory)/\(folder)") where !name.hasPrefix(".") {
                let path = folder + name
                var status = stat()
                guard stat("\(directory)/\(path)", &status) == 0 else {
                    throw .failed("\(directory)/\(path): it cannot be examined: \(String(cString: strerror(errno)))")
                }
                switch status.st_mode & S_IFMT {
                case S_IFREG: result.append(path)
                case S_IFDIR where depth > 0: try collect("\(path)/", depth: depth - 1)
                default: throw .failed("\(directory)/\(path): a model's folder holds files, and folders of files")
                }
            }
        }
        try collect("", depth: 3)
        return result
    }

    private func copy(_ name: String, to folder: String) throws(ModelFilesError) -> Manifest.File {
        var parent = folder
        for part in name.split(separator: "/").dropLast() {
            parent += "/\(part)"
            if access(parent, F_OK) != 0 { try NewFolder.make(parent) }
        }
        let file = try MappedFile(path: "\(directory)/\(name)")
        defer { withExtendedLifetime(file) {} }
        try OutputFile.write(file.bytes, to: "\(folder)/\(name)")
        return Manifest.File(name: name, bytes: file.bytes)
    }

    /// Asks the model what the new folder's expected.jsonl asks.
    private func compare(_ model: ServedModel, in folder: String) throws(ModelFilesError) -> Int {
        do {
            return try ExpectedAnswers(folder: folder)?.compare(with: model.model) ?? 0
        } catch {
            let message = "\(error)".replacing("\(folder)/", with: "")
            throw ModelFilesError(.invalidConfiguration, file: directory, message)
        }
    }
}
