import JSON
package import ModelFiles

/// What publishing reads of a report.json.
package struct PublishedReport: Sendable {
    /// One model that the report judged.
    package struct Run: Sendable {
        package let system: String
        /// Of each metric, and of `kept`, the lower end of the 95 % interval of this model; NaN where there is none.
        package let lowerBounds: [(name: String, value: Double)]
    }

    /// A data file, as the report names it.
    package let data: [ReportSetting.DataFile]
    /// Texts that the models were tested on.
    package let texts: [Example]
    /// The report's files, byte for byte.
    package let files: [SmallFile]
    private let runs: [(contents: String, run: Run)]
    private let path: String

    /// - Parameter path: report.json, or its folder.
    package init(reading path: String) throws(DistillationError) {
        let path = path.hasSuffix(".json") ? path : "\(path)/\(ReportFiles.json)"
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        let page = (parts.dropLast() + [ReportFiles.html[...]]).joined(separator: "/")
        var files = [SmallFile(name: ReportFiles.json, contents: try Self.bytes(path))]
        if let bytes = try? Self.bytes(page) { files.append(SmallFile(name: ReportFiles.html, contents: bytes)) }
        try self.init(files, path: path)
    }

    /// - Parameters:
    ///   - json: report.json.
    ///   - path: its name, for messages.
    package init(_ json: [UInt8], path: String) throws(DistillationError) {
        try self.init([SmallFile(name: ReportFiles.json, contents: json)], path: path)
    }

    /// - Parameter files: report.json first.
    private init(_ files: [SmallFile], path: String) throws(DistillationError) {
        self.path = path
        self.files = files
        let root: JSONValue
        do throws(JSONError) { root = try JSONValue.parse(files[0].contents) } catch {
            throw .failed("\(path): it is no JSON: \(error)")
        }
        guard case .object(let report) = root, case .integer(1)? = report["format"], let systems = report["systems"]
        else { throw .failed("\(path): this is no report of `distill report`") }
        var runs: [(contents: String, run: Run)] = []
        for system in systems.elements where system["kind"]?.text != SystemResult.Kind.reducedPrecision.rawValue {
            for run in system["runs"]?.elements ?? [] {
                guard let contents = run["contents"]?.text else { continue }
                var bounds = (run["intervals"]?.members ?? []).map { (name: $0.key, value: $0.value.lowerEnd) }
                if let kept = run["kept"], case .object = kept { bounds.append(("kept", kept.lowerEnd)) }
                runs.append((contents, Run(system: system["name"]?.text ?? "", lowerBounds: bounds)))
            }
        }
        self.runs = runs
        texts = (report["texts"]?.elements ?? []).compactMap { text in
            text["text"]?.text.map { Example(text: $0, pair: text["text_pair"]?.text) }
        }
        data = (report["setting"]?["data"]?.elements ?? []).compactMap { file in
            guard let role = file["role"]?.text, let name = file["name"]?.text, let hash = file["hash"]?.text else {
                return nil
            }
            return ReportSetting.DataFile(role: role, name: name, examples: file["n"]?.whole ?? 0, hash: hash)
        }
    }

    /// What it says of a model.
    ///
    /// - Parameter contents: the hash of the model's files (`ServedModel.contents`).
    /// - Throws: where it says nothing of these weights.
    package func run(of contents: String, directory: String) throws(DistillationError) -> Run {
        let found = runs.filter { $0.contents == contents }.map(\.run)
        // A student of the teacher's own weights has what the teacher has, and what it keeps.
        guard let run = found.first(where: { $0.lowerBounds.contains { $0.name == "kept" } }) ?? found.first else {
            throw .failed(
                "\(path) is not about \(directory): none of its \(counted(runs.count, "model")) has the contents \(contents); make a "
                    + "report of this model, or publish the one that was judged"
            )
        }
        return run
    }

    private static func bytes(_ path: String) throws(DistillationError) -> [UInt8] {
        do throws(ModelFilesError) {
            let file = try MappedFile(path: path)
            return withExtendedLifetime(file) { Array(file.bytes) }
        } catch {
            throw .failed("\(error)")
        }
    }
}

extension JSONValue {
    fileprivate subscript(key: String) -> JSONValue? { if case .object(let object) = self { object[key] } else { nil } }
    fileprivate var text: String? { if case .string(let text) = self { text } else { nil } }
    fileprivate var whole: Int? { if case .integer(let number) = self { number } else { nil } }
    fileprivate var elements: [JSONValue] { if case .array(let elements) = self { elements } else { [] } }
    fileprivate var members: [(key: String, value: JSONValue)] {
        if case .object(let object) = self { object.members } else { [] }
    }

    /// The lower end of an interval.
    fileprivate var lowerEnd: Double {
        switch self["low"] {
        case .number(let number): number
        case .integer(let number): Double(number)
        default: .nan
        }
    }
}
