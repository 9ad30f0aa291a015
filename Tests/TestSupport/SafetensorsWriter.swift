import Glibc
package import ModelFiles

/// Writes safetensors files for tests: the header, then every tensor straight into the mapped file.
package struct SafetensorsWriter: Sendable {
    /// One tensor and the function that writes its bytes.
    package struct Tensor {
        package let name: String
        package let dtype: ElementType
        package let shape: [Int]
        /// Fills the tensor's bytes, which begin at a multiple of the element's size.
        package let fill: (UnsafeMutableRawBufferPointer) -> Void

        package init(
            name: String,
            dtype: ElementType,
            shape: [Int],
            fill: @escaping (UnsafeMutableRawBufferPointer) -> Void
        ) {
            self.name = name
            self.dtype = dtype
            self.shape = shape
            self.fill = fill
        }

        var byteCount: Int { shape.reduce(dtype.size, *) }
    }

    /// Writes a file of the tensors in the given order, which must be one of falling alignment.
    package static func write(_ tensors: [Tensor], to path: String) throws(FileWriteError) {
        var header = "{\"__metadata__\":{\"format\":\"pt\"}"
        var end = 0
        for tensor in tensors {
            let begin = end
            end += tensor.byteCount
            let shape = tensor.shape.map { "\($0)" }.joined(separator: ",")
            header +=
                ",\"\(tensor.name)\":{\"dtype\":\"\(tensor.dtype.rawValue)\",\"shape\":[\(shape)],"
                + "\"data_offsets\":[\(begin),\(end)]}"
        }
        header += "}"
        while !header.utf8.count.isMultiple(of: 8) { header += " " }
        let dataStart = 8 + header.utf8.count

        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw FileWriteError(path: path, action: "create") }
        defer { close(descriptor) }
        guard ftruncate(descriptor, dataStart + end) == 0 else { throw FileWriteError(path: path, action: "extend") }
        let address = mmap(nil, dataStart + end, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else { throw FileWriteError(path: path, action: "map") }
        defer { munmap(address, dataStart + end) }
        let file = UnsafeMutableRawBufferPointer(start: address, count: dataStart + end)
        file.storeBytes(of: UInt64(header.utf8.count).littleEndian, as: UInt64.self)
        UnsafeMutableRawBufferPointer(rebasing: file[8..<dataStart]).copyBytes(from: header.utf8)
        var offset = dataStart
        for tensor in tensors {
            tensor.fill(UnsafeMutableRawBufferPointer(rebasing: file[offset..<offset + tensor.byteCount]))
            offset += tensor.byteCount
        }
    }

    /// Writes a whole file of text.
    package static func write(text: String, to path: String) throws(FileWriteError) {
        guard let file = fopen(path, "we") else { throw FileWriteError(path: path, action: "create") }
        var text = text
        let written = text.withUTF8 { fwrite($0.baseAddress, 1, $0.count, file) }
        guard fclose(file) == 0, written == text.utf8.count else { throw FileWriteError(path: path, action: "write") }
    }

    /// Makes a folder unless it is there.
    package static func makeFolder(_ path: String) throws(FileWriteError) {
        guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw FileWriteError(path: path, action: "create") }
    }
}

/// Why a test's file could not be written.
package struct FileWriteError: Error, CustomStringConvertible {
    /// The path and the operating system's reason.
    package let description: String

    /// Takes the reason from `errno`.
    init(path: String, action: String) {
        description = "cannot \(action) \(path): \(strerror(errno).map { String(cString: $0) } ?? "unknown error")"
    }
}
