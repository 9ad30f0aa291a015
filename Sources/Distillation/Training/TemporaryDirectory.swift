import CLinuxShims
import Glibc

/// A folder of its own below TMPDIR, removed with everything in it when it is no longer used.
final class TemporaryDirectory {
    let path: String

    init() throws(DistillationError) {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/distill.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else {
            throw .failed("no folder can be made in \(parent): \(String(cString: strerror(errno)))")
        }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { _ = linux_remove_tree(path) }
}
