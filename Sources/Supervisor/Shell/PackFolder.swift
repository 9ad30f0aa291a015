import Configuration
import Glibc
import LinuxSystem

/// The cache folder: packs as `<key>.pack`, and the files that packers are writing.
struct PackFolder {
    let path: String
    /// The packs that are held open, under the numbers of their jobs.
    private var held: [PackJobID: HeldDescriptor] = [:]

    /// Makes the folder, and removes what packers of servers that are gone have left.
    init(path: String) throws(ConfigurationError) {
        self.path = path
        try make()
        removeAbandoned()
    }

    /// Makes the folder where there is none, and says what is wrong with the one that there is.
    private func make() throws(ConfigurationError) {
        var partial = path.hasPrefix("/") ? "" : "."
        for component in path.split(separator: "/") {
            partial += "/" + component
            if mkdir(partial, 0o755) != 0, errno != EEXIST {
                let reason = String(cString: strerror(errno))
                throw ConfigurationError("cache_dir \(path): cannot make \(partial): \(reason)")
            }
        }
        var information = stat()
        let problem: String? =
            if stat(path, &information) != 0 {
                errno == ENOENT ? "it is a link to nothing" : reason()
            } else if information.st_mode & S_IFMT != S_IFDIR {
                "it is no folder"
            } else {
                access(path, W_OK | X_OK) != 0 ? reason() : nil
            }
        if let problem { throw ConfigurationError("cache_dir \(path): \(problem); choose another with --cache-dir") }
    }

    /// The size of the pack of that key; nil when there is none.
    func size(key: String) -> UInt64? {
        var information = stat()
        guard lstat(file(of: key), &information) == 0, information.st_mode & S_IFMT == S_IFREG else { return nil }
        return UInt64(information.st_size)
    }

    /// Opens a pack until it is released, and notes that it was used now. Returns its size.
    mutating func hold(_ job: PackJobID, key: String) throws(SystemError) -> UInt64 {
        let pack = try OwnedDescriptor.open(file(of: key), flags: O_RDONLY | O_NOFOLLOW)
        var information = stat()
        guard fstat(pack.rawValue, &information) == 0 else { throw SystemError("fstat", errno, path: file(of: key)) }
        held[job] = HeldDescriptor(pack)
        // A cache that is only readable still serves; its packs then have no order of use.
        _ = utimensat(AT_FDCWD, file(of: key), nil, AT_SYMLINK_NOFOLLOW)
        return UInt64(information.st_size)
    }

    func held(_ job: PackJobID) -> HeldDescriptor? { held[job] }

    // MARK: - Copies in memory

    /// Makes the file for a copy of a pack, and holds it until it is released.
    mutating func makeCopy(_ job: PackJobID) throws(SystemError) -> HeldDescriptor {
        let copy = HeldDescriptor(try MemoryFile.create(name: "pack", size: 0))
        held[job] = copy
        return copy
    }

    /// Nobody can change a copy any more, so that what is mapped is what was compared. Returns what is wrong with it.
    mutating func seal(_ job: PackJobID, bytes: UInt64) -> String? {
        guard let copy = held[job] else { return "the copy is gone" }
        do throws(SystemError) {
            try MemoryFile.seal(copy.descriptor)
            held[job] = HeldDescriptor(try MemoryFile.reopened(copy.descriptor))
        } catch {
            return "\(error)"
        }
        var information = stat()
        guard fstat(copy.descriptor.rawValue, &information) == 0, UInt64(information.st_size) == bytes else {
            return "the packer copied \(information.st_size) bytes and promised \(bytes)"
        }
        return nil
    }

    mutating func release(_ job: PackJobID) { held[job] = nil }

    /// All packs, the most recently used first.
    func packs() -> [CachedPack] {
        let suffix = ".pack"
        return (namesInFolder(path) ?? []).filter { $0.hasSuffix(suffix) && !$0.hasPrefix(".") }
            .compactMap { name in
                var information = stat()
                guard lstat("\(path)/\(name)", &information) == 0 else { return nil }
                guard information.st_mode & S_IFMT == S_IFREG else { return nil }
                return CachedPack(
                    key: String(name.dropLast(suffix.utf8.count)),
                    bytes: UInt64(information.st_size),
                    usedAt: Int64(information.st_mtim.tv_sec)
                )
            }
            .sorted { ($1.usedAt, $0.key) < ($0.usedAt, $1.key) }
    }

    /// Whether the pack of that key is gone.
    @discardableResult
    func remove(key: String) -> Bool { unlink(file(of: key)) == 0 || errno == ENOENT }

    // MARK: - Files being written

    /// Makes the file that a packer writes, and the folder again when it was removed meanwhile.
    func makeTemporary(_ job: PackJobID) throws(ConfigurationError) -> HeldDescriptor {
        try make()
        let flags = O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW
        do throws(SystemError) {
            return HeldDescriptor(try OwnedDescriptor.open(temporary(job), flags: flags, mode: 0o644))
        } catch {
            throw ConfigurationError("cache_dir \(path): \(error)")
        }
    }

    func hasTemporary(_ job: PackJobID) -> Bool { access(temporary(job), F_OK) == 0 }

    func removeTemporary(_ job: PackJobID) { unlink(temporary(job)) }

    /// Puts a packer's file in its place. The packer has synced it, so that this does not wait for the disk. Returns
    /// what is wrong with it.
    func store(_ job: PackJobID, key: String, bytes: UInt64) -> String? {
        var information = stat()
        guard stat(temporary(job), &information) == 0 else {
            return
                "cache_dir \(path): the pack was removed while it was written (\(reason())); reload the model to make it again"
        }
        guard UInt64(information.st_size) == bytes else {
            return "the packer wrote \(information.st_size) bytes and promised \(bytes)"
        }
        guard rename(temporary(job), file(of: key)) == 0 else {
            return "cache_dir \(path): the pack cannot be put there: \(reason())"
        }
        return nil
    }

    private func file(of key: String) -> String { "\(path)/\(key).pack" }

    private func temporary(_ job: PackJobID) -> String { "\(path)/.packing-\(getpid())-\(job.value)" }

    private func reason() -> String { String(cString: strerror(errno)) }

    private func removeAbandoned() {
        for name in namesInFolder(path) ?? [] {
            let parts = name.split(separator: "-")
            guard parts.count == 3, parts[0] == ".packing", let owner = Int32(parts[1]) else { continue }
            if owner == getpid() || (kill(owner, 0) != 0 && errno == ESRCH) { unlink("\(path)/\(name)") }
        }
    }
}
