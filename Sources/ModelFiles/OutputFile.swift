import Glibc

/// A file that appears under its name when all of it is on the disk. Until then it is beside it under another name, and
/// whatever fails on the way leaves neither.
package final class OutputFile {
    private let path: String
    private let temporary: String
    private let descriptor: CInt
    private var isPublished = false

    package init(_ path: String) throws(ModelFilesError) {
        self.path = path
        temporary = "\(path).\(getpid()).new"
        descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw unwritable(path, "created") }
    }

    deinit {
        close(descriptor)
        if !isPublished { unlink(temporary) }
    }

    /// Takes the room for all that will be written, so that a disk that is too full is found before the work.
    package func reserve(_ count: Int) throws(ModelFilesError) {
        let failure = posix_fallocate(descriptor, 0, off_t(count))
        // Some file systems cannot; there the writing fails.
        guard failure == 0 || failure == EOPNOTSUPP || failure == EINVAL else {
            throw unwritable(path, "written (\(count) bytes)", failure)
        }
    }

    package func write(_ bytes: UnsafeRawBufferPointer) throws(ModelFilesError) {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                throw unwritable(path, "written")
            }
        }
    }

    /// Waits until the contents are on the disk, and gives the file its name.
    package func publish() throws(ModelFilesError) {
        guard fsync(descriptor) == 0, rename(temporary, path) == 0 else { throw unwritable(path, "written") }
        isPublished = true
        try syncFolder(parent(of: path))
    }

    /// Writes a whole file.
    package static func write(_ contents: UnsafeRawBufferPointer, to path: String) throws(ModelFilesError) {
        let file = try OutputFile(path)
        try file.write(contents)
        try file.publish()
    }
}

/// The folder that a file or folder is in.
func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
}

/// Waits until the names in a folder are on the disk.
func syncFolder(_ path: String) throws(ModelFilesError) {
    let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw unwritable(path, "opened") }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw unwritable(path, "written") }
}

/// What did not succeed with a file or folder, and why.
func unwritable(_ path: String, _ action: String, _ reason: CInt = errno) -> ModelFilesError {
    ModelFilesError(.unwritableFile, file: path, "it cannot be \(action): \(describe(reason))")
}
