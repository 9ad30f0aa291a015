import CLinuxShims
import Glibc

/// Folders that appear whole, under their names, or not at all.
package enum NewFolder {
    /// Lends an empty folder beside `path` and gives it that name when `body` has filled it.
    ///
    /// - Parameters:
    ///   - replacing: whether a model's folder, or an empty one, may be there, which then is exchanged for the new one in
    ///     one step and removed. Another folder is never removed.
    ///   - body: is given the folder's path for the time being.
    package static func write(
        to path: String,
        replacing: Bool,
        _ body: (_ folder: String) throws(ModelFilesError) -> Void
    ) throws(ModelFilesError) {
        var path = path
        while path.count > 1, path.last == "/" { path.removeLast() }
        try check(path, replacing: replacing)
        let temporary = try make(beside: path)
        // After an exchange it is what was there before.
        defer { _ = linux_remove_tree(temporary) }
        try body(temporary)
        try syncFolder(temporary)
        try rename(temporary, to: path, replacing: replacing)
        try syncFolder(parent(of: path))
    }

    /// Makes a folder inside one.
    package static func make(_ path: String) throws(ModelFilesError) {
        guard mkdir(path, 0o777) == 0 else { throw unwritable(path, "created") }
    }

    /// Whether a folder may be made there: see `write(to:replacing:_:)`.
    package static func check(_ path: String, replacing: Bool) throws(ModelFilesError) {
        var status = stat()
        guard lstat(path, &status) == 0 else { return }
        guard replacing else { throw exists(path) }
        let isModel = [ModelConfiguration.fileName, SentenceTransformersModules.fileName]
            .contains { fileExists(join(path, $0)) }
        // An empty folder can be removed, and is made again.
        guard isModel || rmdir(path) == 0 else {
            throw ModelFilesError(
                .existingFolder,
                file: path,
                "it is no model's folder, and is not replaced; choose another, or remove it"
            )
        }
    }

    private static func exists(_ path: String) -> ModelFilesError {
        ModelFilesError(.existingFolder, file: path, "it exists; choose another folder, or say that it be replaced")
    }

    private static func make(beside path: String) throws(ModelFilesError) -> String {
        let name = path.split(separator: "/").last ?? ""
        for number in 0..<100 {
            let candidate = join(parent(of: path), ".\(name).\(getpid()).\(number).new")
            if mkdir(candidate, 0o777) == 0 { return candidate }
            guard errno == EEXIST else { break }
        }
        throw unwritable(path, "created")
    }

    private static func rename(
        _ temporary: String,
        to path: String,
        replacing: Bool
    ) throws(ModelFilesError) {
        var failure = -linux_rename_new(temporary, path)
        if failure == EEXIST, replacing { failure = -linux_exchange(temporary, path) }
        // A file system that cannot: a folder that holds something is not replaced.
        if failure == EINVAL { failure = Glibc.rename(temporary, path) == 0 ? 0 : errno }
        switch failure {
        case 0: return
        case EEXIST, ENOTEMPTY: throw exists(path)
        default: throw unwritable(path, "created", failure)
        }
    }
}
