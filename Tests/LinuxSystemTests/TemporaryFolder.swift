import Foundation

/// A folder with a short path (socket paths are at most 107 bytes), removed with its contents when released.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        var template = Array("/tmp/linuxsystem.XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw CocoaError(.fileWriteUnknown) }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func file(_ name: String) -> String { path + "/" + name }

    func contents() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path).sorted() }
}

/// Whether a value is nil, for values that `#expect` cannot copy.
func isNone<Value: ~Copyable>(_ value: consuming Value?) -> Bool {
    switch consume value {
    case .none: true
    case .some: false
    }
}
