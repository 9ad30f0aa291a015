import Synchronization

/// Where the small files of a model folder are read from: the disk, or the pack that keeps a copy of them (but of the
/// tokenizer's, which it holds compiled), so that a worker started next week serves the model that was packed, whatever
/// became of the folder.
package struct FolderFiles: Sendable {
    private enum Storage {
        case disk
        case recorded(Recorder)
        case pack(PackFile)
    }

    private let storage: Storage

    /// Files on the disk.
    package static let disk = FolderFiles(storage: .disk)

    /// Files on the disk; each one that is opened is kept in `recorder`.
    package init(recorder: Recorder) { storage = .recorded(recorder) }

    /// The files in a pack. Their folder is called `FolderFiles.packedDirectory`.
    package init(pack: PackFile) { storage = .pack(pack) }

    private init(storage: Storage) { self.storage = storage }

    /// What stands for the model's folder in the paths of packed files.
    package static let packedDirectory = "pack"

    /// Remembers which files a loader opened.
    package final class Recorder: Sendable {
        private let files = Mutex<[MappedFile]>([])

        package init() {}

        fileprivate func record(_ file: MappedFile) {
            files.withLock { files in
                if !files.contains(where: { $0.path == file.path }) { files.append(file) }
            }
        }

        /// The opened files by their paths inside `directory`, sorted.
        package func contents(in directory: String) -> [(name: String, file: MappedFile)] {
            let prefix = join(directory, "")
            return files.withLock { $0 }
                .map { (name: $0.path.hasPrefix(prefix) ? String($0.path.dropFirst(prefix.count)) : $0.path, file: $0) }
                .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        }
    }

    /// Whether there is a file or folder of that path.
    func exists(_ path: String) -> Bool {
        guard case .pack(let pack) = storage else { return fileExists(path) }
        return path == Self.packedDirectory || pack.has(Self.section(path))
    }

    /// Maps a file.
    func open(_ path: String) throws(ModelFilesError) -> MappedFile {
        switch storage {
        case .disk: return try MappedFile(path: path)
        case .recorded(let recorder):
            let file = try MappedFile(path: path)
            recorder.record(file)
            return file
        case .pack(let pack):
            guard let file = MappedFile(section: Self.section(path), of: pack, path: path) else {
                throw ModelFilesError(.missingFile, file: path, "the pack does not hold this file")
            }
            return file
        }
    }

    /// The section of a pack that holds the file of this name.
    package static func section(named name: String) -> String { "file:" + name }

    private static func section(_ path: String) -> String {
        section(named: String(path.dropFirst(join(packedDirectory, "").count)))
    }
}
