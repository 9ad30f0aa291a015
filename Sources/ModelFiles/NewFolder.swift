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
        let (temporary, lock) = try make(beside: path)
        defer {
            // After an exchange it is what was there before.
            _ = linux_remove_tree(temporary)
            close(lock)
        }
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

    /// Makes a folder that is locked as long as its process lives, after removing those of processes that were killed while they
    /// filled theirs.
    private static func make(beside path: String) throws(ModelFilesError) -> (path: String, lock: CInt) {
        let (folder, name) = (parent(of: path), path.split(separator: "/").last ?? "")
        for other in fileNames(in: folder) where isUnfinished(other, of: name) {
            guard let left = opened(join(folder, other)) else { continue }
            if left.isLocked { _ = linux_remove_tree(join(folder, other)) }
            close(left.descriptor)
        }
        for number in 0..<100 {
            let candidate = join(folder, ".\(name).\(getpid()).\(number).new")
            if mkdir(candidate, 0o777) == 0 {
                if let made = opened(candidate) { return (candidate, made.descriptor) }
                // Another process has taken it for one that was left.
                continue
            }
            guard errno == EEXIST else { break }
        }
        throw unwritable(path, "created")
    }

    /// Whether a name is that of a folder `name` for the time being: `.name.PID.NUMBER.new`.
    private static func isUnfinished(_ candidate: String, of name: Substring) -> Bool {
        guard candidate.hasPrefix(".\(name)."), candidate.hasSuffix(".new") else { return false }
        let numbers = candidate.dropFirst(name.count + 2).split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 3 && numbers.prefix(2).allSatisfy { Int($0) != nil }
    }

    /// Opens a folder and locks it, if the file system can; nil where another process has locked it, or it is gone.
    private static func opened(_ folder: String) -> (descriptor: CInt, isLocked: Bool)? {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0
        let isAnothers = !isLocked && errno == EWOULDBLOCK
        var status = stat()
        if !isAnothers, fstat(descriptor, &status) == 0, status.st_nlink > 0 { return (descriptor, isLocked) }
        close(descriptor)
        return nil
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
