import Glibc

/// Whole small files, such as those of `/proc` and `/sys`.
package enum FileContents {
    /// Reads a file to its end.
    ///
    /// - Parameters:
    ///   - limit: the most bytes to read; a longer file is an error (EFBIG).
    ///   - regularOnly: whether anything but a regular file, or a link to one, is an error (EINVAL). Nothing is waited for
    ///     then; a pipe is else read until its other end is closed, which may be never.
    package static func read(
        _ path: String,
        limit: Int = 1 << 24,
        regularOnly: Bool = false
    ) throws(SystemError) -> [UInt8] {
        let file = try OwnedDescriptor.open(path, flags: regularOnly ? O_RDONLY | O_NONBLOCK : O_RDONLY)
        if regularOnly, try !FileStatus(of: file).isRegular {
            throw SystemError("read", EINVAL, path: path, hint: "It should be a regular file.")
        }
        return try read(file, path: path, limit: limit)
    }

    /// Reads the rest of a file to its end.
    fileprivate static func read(
        _ file: borrowing OwnedDescriptor,
        path: String,
        limit: Int
    ) throws(SystemError) -> [UInt8] {
        var contents: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16384)
        while true {
            let count = try retrying("read", path: path) {
                chunk.withUnsafeMutableBytes { Glibc.read(file.rawValue, $0.baseAddress, $0.count) }
            }
            if count == 0 { return contents }
            contents += chunk[..<count]
            if contents.count > limit {
                throw SystemError("read", EFBIG, path: path, hint: "At most \(limit) bytes are expected.")
            }
        }
    }

    /// Reads a text file, without white space at its end. Bytes that are not UTF-8 are replaced.
    package static func readText(
        _ path: String,
        limit: Int = 1 << 24,
        regularOnly: Bool = false
    ) throws(SystemError) -> String {
        text(try read(path, limit: limit, regularOnly: regularOnly))
    }

    fileprivate static func text(_ contents: [UInt8]) -> String {
        var bytes = contents
        while let last = bytes.last, last == UInt8(ascii: "\n") || last == UInt8(ascii: " ") || last == 0 {
            bytes.removeLast()
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// A file such as those of `/proc`, which is read again and again, also when it could not be opened any more.
package final class LiveFile: Sendable {
    private let path: String
    private let descriptor: OwnedDescriptor

    package init(_ path: String) throws(SystemError) {
        self.path = path
        descriptor = try OwnedDescriptor.open(path)
    }

    /// What it has now.
    package func text() throws(SystemError) -> String {
        _ = try retrying("seek", path: path) { Int(lseek(descriptor.rawValue, 0, SEEK_SET)) }
        return FileContents.text(try FileContents.read(descriptor, path: path, limit: 1 << 24))
    }
}
