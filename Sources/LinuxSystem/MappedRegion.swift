import CLinuxShims
import Glibc

/// A file mapped into memory, shared with all who map it; unmapped when the value goes out of scope.
package struct MappedRegion: ~Copyable, @unchecked Sendable {
    // The address is constant, and what lies there is the concern of those who write it.
    private let start: UnsafeMutableRawPointer
    private let length: Int

    /// Maps the whole file.
    package init(_ descriptor: borrowing OwnedDescriptor, writable: Bool = false) throws(SystemError) {
        var information = stat()
        let result = fstat(descriptor.rawValue, &information)
        guard result == 0 else { throw SystemError("fstat", errno) }
        try self.init(descriptor.rawValue, length: Int(information.st_size), writable: writable)
    }

    /// Maps the first `length` bytes, at least one. Reading beyond the end of the file raises SIGBUS, so the length must
    /// have been checked against the file's size and the file must not shrink.
    package init(_ descriptor: Int32, length: Int, writable: Bool = false) throws(SystemError) {
        guard length > 0 else { throw SystemError("map", EINVAL, hint: "The file is empty.") }
        guard let start = linux_map(descriptor, length, writable) else { throw SystemError("map", errno) }
        self.start = start
        self.length = length
    }

    deinit { munmap(start, length) }

    /// The mapped bytes; valid for as long as this value lives.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: start, count: length) }

    /// The mapped bytes for writing; only of a region that was mapped writable.
    package var mutableBytes: UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: start, count: length)
    }
}

/// Files in memory, without a path, that are handed on as descriptors.
package enum MemoryFile {
    /// Makes a file of zeros.
    ///
    /// - Parameter name: shown in `/proc/PID/maps`.
    package static func create(name: String, size: Int) throws(SystemError) -> OwnedDescriptor {
        let file = OwnedDescriptor(try checked("memfd_create", linux_memfd_create(name)))
        try resize(file, to: size)
        return file
    }

    /// Cuts the file, or extends it by zeros.
    package static func resize(_ file: borrowing OwnedDescriptor, to size: Int) throws(SystemError) {
        let descriptor = file.rawValue
        try retrying("set the size of a memory file") { ftruncate(descriptor, size) }
    }

    /// Forbids for ever every change of size or content. Fails with EBUSY while a writable mapping exists.
    package static func seal(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        try checked("seal memory file", linux_memfd_seal(file.rawValue))
    }

    /// The same file, to be read only: before Linux 6.7 a sealed one that was opened for writing cannot be mapped shared.
    package static func reopened(_ file: borrowing OwnedDescriptor) throws(SystemError) -> OwnedDescriptor {
        try OwnedDescriptor.open("/proc/self/fd/\(file.rawValue)", flags: O_RDONLY)
    }

    /// Whether the file can neither change nor shrink any more; false too for what is not a memory file.
    package static func isSealed(_ file: borrowing OwnedDescriptor) -> Bool {
        linux_memfd_is_sealed(file.rawValue)
    }
}
