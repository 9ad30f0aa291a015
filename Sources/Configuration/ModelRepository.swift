import Glibc
import LinuxSystem

/// One version folder of a model.
package struct ModelFolder: Equatable, Sendable {
    package var version: UInt64
    package var path: String

    package init(version: UInt64, path: String) {
        self.version = version
        self.path = path
    }
}

/// What the repository holds of one model.
package struct RepositoryModel: Equatable, Sendable {
    package var name: String
    /// The versions to serve, ascending.
    package var folders: [ModelFolder]
    package var configuration: ModelConfiguration

    package init(name: String, folders: [ModelFolder], configuration: ModelConfiguration) {
        self.name = name
        self.folders = folders
        self.configuration = configuration
    }

    /// What to serve: each version in each variant.
    package var served: [(folder: ModelFolder, variant: String)] {
        folders.flatMap { folder in configuration.variants.map { (folder, $0) } }
    }
}

/// What was found of each model, by name; nil when its folder is not there.
package struct RepositoryListing: Sendable {
    package var models: [(name: String, found: Result<RepositoryModel?, ConfigurationError>)]

    package init(models: [(name: String, found: Result<RepositoryModel?, ConfigurationError>)]) { self.models = models }
}

/// A model repository: `<root>/<model>/<version>/`, with an optional `<root>/<model>/config.yaml`.
///
/// Only names are read here, and `config.yaml`; checkpoints are the workers' business.
package struct ModelRepository: Sendable {
    package let root: String

    package init(root: String) { self.root = root }

    /// The names of the models, sorted. Entries that cannot be models are passed over, and `skipped` says why; but a folder
    /// that holds versions is meant to be a model, and is there whatever its name, so that the status tells.
    package func names() throws(ConfigurationError) -> [String] {
        try entries(root).filter { isDirectory("\(root)/\($0)") && (Self.isName($0) || isMisnamedModel($0)) }.sorted()
    }

    /// Reads one model. Returns nil when there is no such folder.
    package func model(_ name: String) throws(ConfigurationError) -> RepositoryModel? {
        let folder = "\(root)/\(name)"
        if isMisnamedModel(name) { throw ConfigurationError("\(folder): \(Self.nameRule)") }
        guard Self.isName(name), isDirectory(folder) else { return nil }
        var configuration = ModelConfiguration()
        let file = "\(folder)/config.yaml"
        if let text = try readOptional(file) { configuration = try ModelConfiguration(yaml: text, file: file) }
        let versions = try entries(folder).compactMap { version(of: $0, in: folder) }
        let selected = configuration.versionPolicy.select(from: versions)
        guard !selected.isEmpty else {
            let found = versions.isEmpty ? "it has none" : "it has \(versions.sorted())"
            throw ConfigurationError(
                "\(folder): no version to serve: a model needs a numeric folder such as \(folder)/1, and \(found)"
            )
        }
        return RepositoryModel(
            name: name,
            folders: selected.map { ModelFolder(version: $0, path: "\(folder)/\($0)") },
            configuration: configuration
        )
    }

    /// Reads one model, or all of them and those that are named besides, which may be gone.
    package func listing(model: String?, also names: [String]) throws(ConfigurationError) -> RepositoryListing {
        let all = if let model { [model] } else { Set(try self.names()).union(names).sorted() }
        return RepositoryListing(
            models: all.map { name in
                (name, Result { () throws(ConfigurationError) in try self.model(name) })
            }
        )
    }

    /// Whether a folder's name can be a model's: letters, digits, `.`, `_` and `-`, not starting with `.` or `-`.
    package static func isName(_ name: String) -> Bool {
        guard (1...128).contains(name.utf8.count), let first = name.utf8.first else { return false }
        guard first != UInt8(ascii: "."), first != UInt8(ascii: "-") else { return false }
        return name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }

    /// Why a folder with another name is no model.
    static let nameRule =
        "the name of the folder cannot be a model's: at most 128 of A-Z, a-z, 0-9, '.', '_' and '-', not '.' or '-' at the "
        + "start; rename the folder"

    /// Whether the folder's name cannot be a model's, and what is in it is one. What could not be printed as it is, or would
    /// lead elsewhere, is not.
    func isMisnamedModel(_ name: String) -> Bool {
        guard !Self.isName(name), !name.hasPrefix("."), !name.contains("/"), isPrintable(name) else { return false }
        let folder = "\(root)/\(name)"
        return namesInFolder(folder)?.contains { version(of: $0, in: folder) != nil } ?? false
    }

    private func version(of entry: String, in folder: String) -> UInt64? {
        guard let version = UInt64(entry), version > 0, String(version) == entry else { return nil }
        return isDirectory("\(folder)/\(entry)") ? version : nil
    }

    private func readOptional(_ file: String) throws(ConfigurationError) -> String? {
        do throws(SystemError) {
            return try FileContents.readText(file, limit: 1 << 20, regularOnly: true)
        } catch {
            if error.errorNumber == ENOENT { return nil }
            throw ConfigurationError("\(file): \(error)")
        }
    }

    private func entries(_ path: String) throws(ConfigurationError) -> [String] {
        guard let names = namesInFolder(path) else {
            throw ConfigurationError("\(path): \(String(cString: strerror(errno)))")
        }
        return names
    }

    private func isDirectory(_ path: String) -> Bool {
        var information = stat()
        return stat(path, &information) == 0 && information.st_mode & S_IFMT == S_IFDIR
    }
}
