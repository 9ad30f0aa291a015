import CLinuxShims
import Glibc

/// What the kernel says of a file, a folder or a link.
package struct FileStatus: Equatable, Sendable {
    /// The type, `S_IFREG` for example.
    private let type: UInt32
    private let permissions: UInt32
    private let owner: UInt32
    private let device: UInt64
    private let inode: UInt64
    private let links: UInt64
    package let bytes: UInt64
    /// When contents, anything at all, and use were last noted, in nanoseconds of Unix time.
    private let modified: Int64
    private let changed: Int64
    private let used: Int64

    package init(of file: borrowing OwnedDescriptor) throws(SystemError) {
        var information = stat()
        guard fstat(file.rawValue, &information) == 0 else { throw SystemError("look at", errno) }
        self.init(information)
    }

    /// - Parameter followsLinks: whether what a link leads to is meant, and not the link.
    package init(at path: String, followsLinks: Bool = false) throws(SystemError) {
        var information = stat()
        let result = followsLinks ? stat(path, &information) : lstat(path, &information)
        guard result == 0 else { throw SystemError("look at", errno, path: path) }
        self.init(information)
    }

    private init(_ information: stat) {
        func nanoseconds(_ time: timespec) -> Int64 { Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec) }
        type = information.st_mode & S_IFMT
        permissions = information.st_mode & ~S_IFMT
        owner = information.st_uid
        (device, inode) = (UInt64(information.st_dev), UInt64(information.st_ino))
        links = UInt64(information.st_nlink)
        bytes = UInt64(information.st_size)
        modified = nanoseconds(information.st_mtim)
        changed = nanoseconds(information.st_ctim)
        used = nanoseconds(information.st_atim)
    }

    package var isRegular: Bool { type == S_IFREG }
    package var isFolder: Bool { type == S_IFDIR }
    /// When it was last used, in seconds of Unix time.
    package var usedAt: Int64 { used / 1_000_000_000 }

    /// Whether both are of one file, whatever was done to it in between.
    package func isSameFile(as other: FileStatus) -> Bool { (device, inode) == (other.device, other.inode) }

    /// Whether the file still has the bytes that it had at an earlier time, as far as its size and times tell.
    ///
    /// The time of change counts too, because that of the contents can be set back. It changes as well when the last name is
    /// removed, and with the time of use, when that is noted.
    package func isUnchanged(since earlier: FileStatus) -> Bool {
        guard isSameFile(as: earlier), (bytes, modified) == (earlier.bytes, earlier.modified) else { return false }
        return changed == earlier.changed || links == 0 || (used > earlier.used && used >= changed)
    }

    /// Why others than this process's user and root could change it; nil when they cannot. A folder for all, such as /tmp, is
    /// none in which one could remove another's files.
    package var distrust: String? {
        if owner != geteuid(), owner != 0 { return "it belongs to user \(owner)" }
        let isHarmless = type == S_IFLNK || (isFolder && permissions & S_ISVTX != 0)
        return permissions & S_IWOTH != 0 && !isHarmless ? "every user may write to it" : nil
    }
}

extension OwnedDescriptor {
    /// Notes that the file is used now, where that may be noted.
    package borrowing func noteUse() {
        _ = linux_note_use(rawValue)
    }

    /// Takes the file's lock, for as long as any descriptor of this opening is open, in whichever process.
    ///
    /// - Returns: false when another opening has it.
    package borrowing func lock() throws(SystemError) -> Bool {
        let descriptor = rawValue
        do throws(SystemError) {
            try retrying("lock") { flock(descriptor, LOCK_EX | LOCK_NB) }
            return true
        } catch {
            guard error.errorNumber == EWOULDBLOCK else { throw error }
            return false
        }
    }
}
