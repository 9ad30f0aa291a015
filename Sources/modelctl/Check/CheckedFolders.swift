import Configuration
import Glibc

/// What is to be checked: version folders, and how their model is configured.
struct CheckedFolders {
    let folders: [ModelFolder]
    /// As `config.yaml` says, or else what holds without one.
    private(set) var configuration: ModelConfiguration

    /// Finds what a folder is: one of versions, with or without a `config.yaml`, of which those are checked that a server
    /// would serve; or a version folder, as downloaded, which has the `config.yaml` of the folder above it when its name
    /// is a version's number.
    init(_ path: String) throws(ConfigurationError) {
        let folder = try Self.absolute(path)
        guard let names = namesInFolder(folder) else {
            throw ConfigurationError("\(path): \(String(cString: strerror(errno))); name a folder of a model")
        }
        let (parent, name) = Self.split(folder)
        if names.contains(where: Self.isVersion), !names.contains("config.json") {
            let model = try Self.model(name, in: parent)
            self.init(folders: model.folders, configuration: model.configuration, root: folder)
        } else if Self.isVersion(name), access("\(parent)/config.yaml", F_OK) == 0 {
            let (root, name) = Self.split(parent)
            let model = try Self.model(name, in: root)
            let own = ModelFolder(version: UInt64(Self.split(folder).name) ?? 1, path: folder)
            self.init(folders: [own], configuration: model.configuration, root: parent)
        } else {
            self.init(
                folders: [ModelFolder(version: 1, path: folder)],
                configuration: ModelConfiguration(),
                root: folder
            )
        }
    }

    /// The path from the root on. Links stay what they are: a version may be one, and its name counts.
    private static func absolute(_ path: String) throws(ConfigurationError) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." }
        if path.hasPrefix("/"), !parts.contains("..") { return "/" + parts.joined(separator: "/") }
        guard let working = realpath(parts.contains("..") ? path : ".", nil) else {
            throw ConfigurationError("\(path): \(String(cString: strerror(errno))); name a folder of a model")
        }
        defer { free(working) }
        let start = String(cString: working)
        return parts.contains("..") ? start : start + "/" + parts.joined(separator: "/")
    }

    private init(folders: [ModelFolder], configuration: ModelConfiguration, root: String) {
        self.folders = folders
        self.configuration = configuration
        if let file = configuration.quality.calibrationFile, !file.hasPrefix("/") {
            self.configuration.quality.calibrationFile = "\(root)/\(file)"
        }
    }

    /// Sets what the command line says otherwise.
    mutating func apply(
        variants: [String]?,
        calibrationFile: String?,
        minCosine: Double?,
        minAgreement: Double?
    ) {
        if let variants { configuration.variants = variants }
        if let calibrationFile { configuration.quality.calibrationFile = calibrationFile }
        if let minCosine { configuration.quality.minCosine = minCosine }
        if let minAgreement { configuration.quality.minAgreement = minAgreement }
    }

    private static func model(_ name: String, in root: String) throws(ConfigurationError) -> RepositoryModel {
        guard let model = try ModelRepository(root: root).model(name) else {
            throw ConfigurationError(
                "\(root)/\(name): no model can be called '\(name)'; take letters, digits, '.', '_' and '-', at most 128"
            )
        }
        return model
    }

    private static func isVersion(_ name: String) -> Bool {
        UInt64(name).map { $0 > 0 && String($0) == name } ?? false
    }

    private static func split(_ path: String) -> (parent: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        return (String(path[..<slash]), String(path[path.index(after: slash)...]))
    }
}
