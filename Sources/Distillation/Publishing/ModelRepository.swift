import Glibc
import ModelFiles
import Wire

/// Where a server's models lie: NAME/VERSION below one folder.
struct ModelRepository {
    let path: String
    let name: String

    /// - Throws: where the name is none that a server takes.
    init(_ path: String, name: String) throws(DistillationError) {
        do throws(WireError) {
            let reference = try ModelReference(parsing: name)
            guard reference.version == nil, reference.variant == nil else {
                throw WireError(
                    .invalidValue,
                    field: "model",
                    "'\(name)' names a version or variant; give the name alone"
                )
            }
        } catch {
            throw .usage("--name: \(error.message)")
        }
        self.path = path
        self.name = name
    }

    func folder(_ version: Int) -> String { "\(path)/\(name)/\(version)" }

    /// One more than the highest version that is there.
    var nextVersion: Int { (versions.max() ?? 0) + 1 }

    func has(_ version: Int) -> Bool { access(folder(version), F_OK) == 0 }

    /// Makes the folders above a version's.
    func prepare() throws(DistillationError) {
        do throws(ModelFilesError) {
            for folder in [path, "\(path)/\(name)"] where access(folder, F_OK) != 0 { try NewFolder.make(folder) }
        } catch {
            throw .failed("\(error)")
        }
    }

    /// Removes the model's folder again where nothing is in it.
    func tidy() { rmdir("\(path)/\(name)") }

    private var versions: [Int] { fileNames(in: "\(path)/\(name)").compactMap { Int($0) }.filter { $0 > 0 } }
}
