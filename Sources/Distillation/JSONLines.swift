import Glibc
package import JSON
import ModelFiles

/// Files of one JSON value per line.
package enum JSONLines {
    /// Refuses a file that is there, before the work.
    package static func check(_ path: String, replacing: Bool) throws(DistillationError) {
        guard !replacing, access(path, F_OK) == 0 else { return }
        throw .usage("\(path) is there; choose another --output, or --force to replace it")
    }

    /// The file appears when all of it is on the disk.
    package static func write(_ values: [some JSONWritable], to path: String) throws(DistillationError) {
        let text = values.map { $0.json + "\n" }.joined()
        let result = Array(text.utf8).withUnsafeBytes { bytes in
            Result { () throws(ModelFilesError) in try OutputFile.write(bytes, to: path) }
        }
        do throws(ModelFilesError) {
            try result.get()
        } catch {
            throw .failed("\(error)")
        }
    }
}
