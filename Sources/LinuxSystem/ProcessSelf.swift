import CLinuxShims
import Glibc

/// What the running process asks of the kernel for itself.
package enum ProcessSelf {
    package static var processID: Int32 { getpid() }
    package static var parentProcessID: Int32 { getppid() }

    /// Asks to be killed when the parent's spawning thread ends.
    ///
    /// - Parameter parent: the process that started this one, as it told us itself: when it has died already, the request
    ///   comes too late and our parent is another.
    /// - Returns: false when that parent is already gone; the caller should exit.
    package static func dieWithParent(_ parent: Int32) throws(SystemError) -> Bool {
        try checked("set parent-death signal", linux_die_with_parent(parent)) == 1
    }

    /// Gives up for ever the gaining of privileges by running set-user-ID programs.
    ///
    /// It holds for the calling thread and what that starts, so call it before the first other thread starts.
    package static func forbidNewPrivileges() throws(SystemError) {
        try checked("set no_new_privs", linux_no_new_privileges())
    }

    /// Whether a crash may leave a core dump and same-user processes may look into this one.
    package static func setDumpable(_ dumpable: Bool) throws(SystemError) {
        try checked("set dumpable", linux_set_dumpable(dumpable))
    }

    /// Makes the kernel, where it needs memory, end this process before others that have as much of it.
    ///
    /// - Parameter score: from -1000 to 1000, in thousandths of the memory; a score that is higher already stays.
    package static func offerMemory(score: Int) throws(SystemError) {
        let path = "/proc/self/oom_score_adj"
        guard let present = Int(try FileContents.readText(path)), present < score else { return }
        let file = try OwnedDescriptor.open(path, flags: O_WRONLY)
        let text = "\(score)"
        _ = try retrying("write", path: path) { Glibc.write(file.rawValue, text, text.utf8.count) }
    }

    /// Makes a write without a reader (EPIPE) or beyond the limit of a file's size (EFBIG) an error everywhere in the
    /// process, instead of a signal that ends it.
    package static func ignoreWriteSignals() throws(SystemError) {
        try checked("ignore SIGPIPE and SIGXFSZ", linux_ignore_write_signals())
    }

    /// Raises the soft limit of open files to the hard limit and returns it.
    @discardableResult
    package static func raiseOpenFileLimit() throws(SystemError) -> Int {
        Int(try checked("raise RLIMIT_NOFILE", linux_raise_open_file_limit()))
    }

    /// Has the system take memory back at once when it is freed in pieces of this size or larger, whichever lie around them.
    ///
    /// Each such piece costs a call of the kernel and its pages when it is allocated, some microseconds.
    package static func giveMemoryBack(from bytes: Int32) { linux_map_allocations(bytes) }

    /// The path of the running program, links resolved.
    package static func executablePath() throws(SystemError) -> String {
        let link = "/proc/self/exe"
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: Int(PATH_MAX)) { buffer, initialized in
            count = buffer.withMemoryRebound(to: CChar.self) { readlink(link, $0.baseAddress!, $0.count) }
            initialized = max(count, 0)
        }
        guard count >= 0 else { throw SystemError("read link", errno, path: link) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
