import Glibc
import JSON

/// A regular file mapped for reading, for as long as the object lives.
///
/// The bytes stay in the page cache, shared with every process that maps the file; nothing is copied to the heap. A file
/// that another process shortens while it is mapped kills a reader that touches the lost pages (SIGBUS): publish files by
/// renaming them into place, never by rewriting them.
package final class MappedFile: Sendable {
    /// The path that the file was opened by.
    package let path: String
    /// The number of bytes of the file.
    package let count: Int
    private nonisolated(unsafe) let base: UnsafeRawPointer?
    /// The pack whose mapping this file is a part of; nil when the mapping is its own.
    private let pack: PackFile?
    /// What was opened, and its size and time of change then; -1 when the mapping is not its own.
    private let descriptor: CInt
    private let opened: Identity

    private struct Identity: Equatable {
        var bytes = 0
        var seconds = 0
        var nanoseconds = 0

        init() {}

        init(_ status: stat) {
            (bytes, seconds, nanoseconds) = (Int(status.st_size), status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }
    }

    /// The file's bytes. Valid while this object lives.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

    /// Maps the file at `path`. Symbolic links are followed (a downloaded checkpoint is often made of them); pipes, devices
    /// and folders are refused without waiting on them.
    package init(path: String) throws(ModelFilesError) {
        guard !path.utf8.contains(0) else {
            throw ModelFilesError(.unreadableFile, file: quoted(path), "a path cannot contain a NUL byte")
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            let reason = errno
            throw ModelFilesError(
                reason == ENOENT || reason == ENOTDIR ? .missingFile : .unreadableFile,
                file: path,
                "the file cannot be opened: \(describe(reason))"
            )
        }
        var isKept = false
        defer { if !isKept { close(descriptor) } }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ModelFilesError(.unreadableFile, file: path, "the file cannot be examined: \(describe(errno))")
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw ModelFilesError(.unreadableFile, file: path, "this is not a regular file")
        }
        self.path = path
        self.descriptor = descriptor
        opened = Identity(status)
        pack = nil
        count = Int(status.st_size)
        guard count > 0 else {
            base = nil
            isKept = true
            return
        }
        let address = mmap(nil, count, PROT_READ, MAP_PRIVATE, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw ModelFilesError(.unreadableFile, file: path, "the file cannot be mapped: \(describe(errno))")
        }
        base = UnsafeRawPointer(address)
        isKept = true
    }

    /// A file that is a section of a pack, under the path that errors name; nil when there is no such section.
    init?(section: String, of pack: PackFile, path: String) {
        guard let bytes = pack.bytes(of: section) else { return nil }
        self.path = path
        self.pack = pack
        (descriptor, opened) = (-1, Identity())
        count = bytes.count
        base = bytes.baseAddress
    }

    deinit {
        guard pack == nil else { return }
        if let base { munmap(UnsafeMutableRawPointer(mutating: base), count) }
        close(descriptor)
    }

    /// Whether the file that was opened was written to since, as far as its size and time of change tell.
    package var wasWritten: Bool {
        var status = stat()
        return pack == nil && (fstat(descriptor, &status) != 0 || Identity(status) != opened)
    }
}

/// What the operating system says about an error number.
func describe(_ error: CInt) -> String {
    strerror(error).map { String(cString: $0) } ?? "error \(error)"
}

/// Whether a file or folder of that path exists; a link that leads nowhere does not.
func fileExists(_ path: String) -> Bool {
    access(path, F_OK) == 0
}
