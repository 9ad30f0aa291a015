import Foundation

/// A folder for one test, removed when the object goes.
final class TemporaryFolder {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.appendingPathComponent("ModelFilesTests-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// The path of a file in the folder.
    func callAsFunction(_ name: String) -> String { "\(path)/\(name)" }

    /// Writes a file, with the folders on its way.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        let url = URL(fileURLWithPath: self(name))
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    func write(_ name: String, _ text: String) throws {
        try write(name, Array(text.utf8))
    }
}

/// A safetensors file of a header as text and data of `count` bytes, in which byte i is i modulo 256.
func safetensors(_ header: String, data count: Int, declaredLength: UInt64? = nil) -> [UInt8] {
    safetensors(Array(header.utf8), data: count, declaredLength: declaredLength)
}

func safetensors(_ header: [UInt8], data count: Int, declaredLength: UInt64? = nil) -> [UInt8] {
    let length = declaredLength ?? UInt64(header.count)
    return withUnsafeBytes(of: length.littleEndian, Array.init) + header
        + (0..<count).map { UInt8(truncatingIfNeeded: $0) }
}
