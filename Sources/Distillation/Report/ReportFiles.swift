import Glibc
import LinuxSystem
import ModelFiles

/// The two files of a report, in a folder of their own.
package enum ReportFiles {
    package static let (json, html) = ("report.json", "report.html")

    /// Refuses a folder that is there, before the work.
    package static func check(_ folder: String, replacing: Bool) throws(DistillationError) {
        guard !replacing, access(folder, F_OK) == 0 else { return }
        throw .usage("\(folder) is there; choose another --output, or --force to replace its report")
    }

    /// Writes both; other files of the folder stay.
    package static func write(_ report: Report, to folder: String) throws(DistillationError) {
        do throws(ModelFilesError) {
            if access(folder, F_OK) != 0 { try NewFolder.make(folder) }
            try SmallFile(name: html, text: report.html).write(to: folder)
            try SmallFile(name: json, text: report.json + "\n").write(to: folder)
        } catch {
            throw .failed("\(error)")
        }
    }
}

extension ReportSetting.DataFile {
    /// What a report says of files that were read as one.
    package init(role: String, paths: [String], examples: Int) throws(DistillationError) {
        var hash: UInt64 = 0
        for path in paths {
            do throws(ModelFilesError) {
                let file = try MappedFile(path: path)
                hash = withExtendedLifetime(file) { contentHash(file.bytes, seed: hash) }
            } catch {
                throw .failed("\(error)")
            }
        }
        self.init(role: role, name: paths.joined(separator: ", "), examples: examples, hash: hexadecimal(hash))
    }
}

/// 16 hexadecimal digits.
func hexadecimal(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
}

/// A small text file.
func readText(_ path: String) throws(DistillationError) -> String {
    do throws(SystemError) { return try FileContents.readText(path) } catch { throw .failed("\(error)") }
}
