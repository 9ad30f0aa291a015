import Configuration
import Glibc
import LinuxSystem

/// The cache folder: packs as `<key>.pack`, and the files that packers are writing.
struct PackFolder {
    let path: String
    /// The packs, and copies, that are held open, under the numbers of their jobs.
    private var held: [PackJobID: Held] = [:]
    /// The files that packers write. They are locked for as long as this process or the packer has them open, whatever the
    /// numbers of processes are where other servers run that share the cache.
    private var temporaries: [PackJobID: (path: String, file: HeldDescriptor)] = [:]

    private struct Held {
        var file: HeldDescriptor
        /// Of a pack; a copy has neither a name nor changes.
        var key: String?
        /// What was opened, and what had its name, when it was last looked at.
        var status: (opened: FileStatus, named: FileStatus)?
    }

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
        let advice = "choose another with --cache-dir"
        if let problem = problem() { throw ConfigurationError("cache_dir \(path): \(problem); \(advice)") }
        guard let distrust = distrust() else { return }
        throw ConfigurationError(
            "cache_dir \(path): \(distrust), so packs could be changed there; "
                + "make it user \(geteuid())'s alone (chown, chmod o-w), or \(advice)"
        )
    }

    private func problem() -> String? {
        do throws(SystemError) {
            guard try FileStatus(at: path, followsLinks: true).isFolder else { return "it is no folder" }
            return access(path, W_OK | X_OK) != 0 ? reason() : nil
        } catch {
            let reason = String(cString: strerror(error.errorNumber))
            return error.errorNumber == ENOENT ? "it is a link to nothing" : reason
        }
    }

    /// Of the folder, or of a link that leads to it.
    private func distrust() -> String? {
        let places = [false, true].compactMap { try? FileStatus(at: path, followsLinks: $0) }
        return places.lazy.compactMap(\.distrust).first
    }

    /// The size of the pack of that key; nil when there is none that can be trusted.
    func size(key: String) -> UInt64? { pack(key)?.bytes }

    private func pack(_ key: String) -> FileStatus? {
        let status = try? FileStatus(at: file(of: key))
        return status.flatMap { $0.isRegular && $0.distrust == nil ? $0 : nil }
    }

    /// Opens a pack until it is released, and notes that it was used now. Returns its size.
    mutating func hold(_ job: PackJobID, key: String) throws(SystemError) -> UInt64 {
        let name = file(of: key)
        let pack = try OwnedDescriptor.open(name, flags: O_RDONLY | O_NOFOLLOW | O_NONBLOCK)
        pack.noteUse()
        let status = try FileStatus(of: pack)
        if let fault = status.isRegular ? status.distrust : "it is no regular file" {
            throw SystemError("open", EPERM, path: name, hint: "Remove it: \(fault).")
        }
        held[job] = Held(file: HeldDescriptor(pack), key: key, status: (status, status))
        return status.bytes
    }

    func held(_ job: PackJobID) -> HeldDescriptor? { held[job]?.file }

    /// The packs that were written to since the last look, or whose name another file has now.
    mutating func changed() -> [PackJobID] { held.keys.sorted().filter { hasChanged($0) } }

    /// One whose name is gone has not changed: another server that shares the cache may have needed its room.
    mutating func hasChanged(_ job: PackJobID) -> Bool {
        guard let pack = held[job], let key = pack.key, let known = pack.status else { return false }
        guard let opened = try? FileStatus(of: pack.file.descriptor) else { return false }
        let named = (try? FileStatus(at: file(of: key))) ?? known.named
        held[job]?.status = (opened, named)
        return !opened.isUnchanged(since: known.opened) || !named.isSameFile(as: known.named)
    }

    // MARK: - Copies in memory

    /// Makes the file for a copy of a pack, and holds it until it is released.
    mutating func makeCopy(_ job: PackJobID) throws(SystemError) -> HeldDescriptor {
        let copy = HeldDescriptor(try MemoryFile.create(name: "pack", size: 0))
        held[job] = Held(file: copy)
        return copy
    }

    /// Nobody can change a copy any more, so that what is mapped is what was compared. Returns what is wrong with it.
    mutating func seal(_ job: PackJobID, bytes: UInt64) -> String? {
        guard let copy = held[job]?.file else { return "the copy is gone" }
        do throws(SystemError) {
            try MemoryFile.seal(copy.descriptor)
            held[job]?.file = HeldDescriptor(try MemoryFile.reopened(copy.descriptor))
            let size = try FileStatus(of: copy.descriptor).bytes
            return size == bytes ? nil : "the packer copied \(size) bytes and promised \(bytes)"
        } catch {
            return "\(error)"
        }
    }

    mutating func release(_ job: PackJobID) { held[job] = nil }

    /// All packs, the most recently used first.
    func packs() -> [CachedPack] {
        let suffix = ".pack"
        return (namesInFolder(path) ?? []).filter { $0.hasSuffix(suffix) && !$0.hasPrefix(".") }
            .compactMap { name in
                guard let status = try? FileStatus(at: "\(path)/\(name)"), status.isRegular else { return nil }
                let key = String(name.dropLast(suffix.utf8.count))
                return CachedPack(key: key, bytes: status.bytes, usedAt: status.usedAt)
            }
            .sorted { ($1.usedAt, $0.key) < ($0.usedAt, $1.key) }
    }

    /// Removes a pack that is held, unless another file has its name by now.
    func remove(_ job: PackJobID, key: String) {
        if let pack = held[job], Self.isNamed(file(of: key), pack.file.descriptor) { remove(key: key) }
    }

    /// Whether the pack of that key is gone.
    @discardableResult
    func remove(key: String) -> Bool { unlink(file(of: key)) == 0 || errno == ENOENT }

    // MARK: - Files being written

    /// Makes the file that a packer writes, and the folder again when it was removed meanwhile.
    mutating func makeTemporary(_ job: PackJobID) throws(ConfigurationError) -> HeldDescriptor {
        var attempt = 1
        while true {
            try make()
            do throws(SystemError) {
                return try openTemporary(job)
            } catch {
                // Whoever removes the folder may still be at it.
                guard error.errorNumber == ENOENT, attempt < 5 else {
                    throw ConfigurationError("cache_dir \(path): \(error)")
                }
                attempt += 1
            }
        }
    }

    private mutating func openTemporary(_ job: PackJobID) throws(SystemError) -> HeldDescriptor {
        let flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW
        while true {
            let name = "\(path)/\(Self.prefix)\(String(UInt64.random(in: .min ... .max), radix: 36))"
            let file = try OwnedDescriptor.open(name, flags: flags, mode: 0o644)
            // Until it is locked, a server that starts takes it for abandoned.
            guard try file.lock(), Self.isNamed(name, file) else { continue }
            let held = HeldDescriptor(file)
            temporaries[job] = (name, held)
            return held
        }
    }

    func hasTemporary(_ job: PackJobID) -> Bool {
        temporaries[job].map { Self.isNamed($0.path, $0.file.descriptor) } ?? false
    }

    mutating func removeTemporary(_ job: PackJobID) {
        if hasTemporary(job), let name = temporaries[job]?.path { unlink(name) }
        temporaries[job] = nil
    }

    private static func isNamed(_ path: String, _ file: borrowing OwnedDescriptor) -> Bool {
        guard let opened = try? FileStatus(of: file), let named = try? FileStatus(at: path) else { return false }
        return named.isSameFile(as: opened)
    }

    /// Puts a packer's file in its place. The packer has synced it, so that this does not wait for the disk. Returns
    /// what is wrong with it.
    func store(_ job: PackJobID, key: String, bytes: UInt64) -> String? {
        guard hasTemporary(job), let (name, file) = temporaries[job], let status = try? FileStatus(of: file.descriptor)
        else {
            return "cache_dir \(path): the pack was removed while it was written; reload the model to make it again"
        }
        guard status.bytes == bytes else { return "the packer wrote \(status.bytes) bytes and promised \(bytes)" }
        // Another server that shares the cache was faster, and its workers map that one.
        if pack(key) != nil { return nil }
        guard rename(name, self.file(of: key)) == 0 else {
            return "cache_dir \(path): the pack cannot be put there: \(reason())"
        }
        return nil
    }

    private func file(of key: String) -> String { "\(path)/\(key).pack" }

    private static let prefix = ".packing-"

    private func reason() -> String { String(cString: strerror(errno)) }

    private func removeAbandoned() {
        for name in namesInFolder(path) ?? [] where name.hasPrefix(Self.prefix) {
            let flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK
            guard let file = try? OwnedDescriptor.open("\(path)/\(name)", flags: flags) else { continue }
            if (try? file.lock()) == true { unlink("\(path)/\(name)") }
        }
    }
}
