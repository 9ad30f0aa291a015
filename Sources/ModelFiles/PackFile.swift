import Glibc

/// A mapped pack, read-only and shared with every process that maps the same file.
package final class PackFile: Sendable {
    /// The version of the format, part of every key.
    package static let version = PackFormat.version

    package var key: String { header.key }
    package let byteCount: Int

    private let header: Header
    private var sections: [String: (section: PackSection, offset: Int)] { header.sections }
    private nonisolated(unsafe) let base: UnsafeRawPointer

    /// Maps the pack behind `descriptor` (which stays the caller's) and checks its header; the sections' bytes are not
    /// read (`verify` does that, once a generation).
    package init(descriptor: CInt, name: String = "pack") throws(ModelFilesError) {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            throw ModelFilesError(.unreadableFile, file: name, "the pack cannot be examined: \(describe(errno))")
        }
        let count = Int(status.st_size)
        guard count >= PackFormat.fixedBytes else { throw damaged(name, "it has \(count) bytes, less than a header") }
        guard let address = mmap(nil, count, PROT_READ, MAP_SHARED, descriptor, 0), address != MAP_FAILED else {
            throw ModelFilesError(.unreadableFile, file: name, "the pack cannot be mapped: \(describe(errno))")
        }
        let bytes = UnsafeRawBufferPointer(start: address, count: count)
        do throws(ModelFilesError) {
            header = try Header(bytes, name: name)
        } catch {
            munmap(address, count)
            throw error
        }
        byteCount = count
        base = UnsafeRawPointer(address)
    }

    deinit { munmap(UnsafeMutableRawPointer(mutating: base), byteCount) }

    /// Reads all of the pack and compares its hash: whether no byte of it has changed since it was written.
    package func verify() -> Bool {
        contentHash(UnsafeRawBufferPointer(rebasing: bytes[header.dataOffset...])) == header.dataHash
    }

    /// Where the mapping lies, for asking the system on which node its pages are.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: byteCount) }

    /// The bytes of a section, aligned to 64, or nil when there is none of that name. Valid while this object lives.
    package func bytes(of name: String) -> UnsafeRawBufferPointer? {
        sections[name].map { UnsafeRawBufferPointer(start: base + $0.offset, count: $0.section.byteCount) }
    }

    /// What the packer noted beside the weights, such as their quality; nil when there is nothing of that name.
    package func note(_ name: String) -> [UInt8]? { bytes(of: Self.noteSection(name)).map(Array.init) }

    package static func noteSection(_ name: String) -> String { "note." + name }

    /// Where a section lies that has this shape and size.
    package func memory(of section: PackSection) throws(ModelFilesError) -> UnsafeRawPointer {
        guard let (own, offset) = sections[section.name] else {
            throw damaged("pack", "it has no section \(section.name)")
        }
        guard own == section else {
            throw damaged("pack", "its section \(section.name) is \(own.extent), not \(section.extent)")
        }
        return base + offset
    }

    /// Whether there is a section of that name.
    package func has(_ name: String) -> Bool { sections[name] != nil }

    /// The names of sections that begin with `prefix`.
    package func names(prefix: String) -> [String] { sections.keys.filter { $0.hasPrefix(prefix) }.sorted() }
}

private func damaged(_ name: String, _ reason: String) -> ModelFilesError {
    ModelFilesError(
        .malformedPack,
        file: name,
        "the pack is damaged or of another version and must be made again: \(reason)"
    )
}

/// The header, parsed with every length checked.
private struct Header: Sendable {
    let key: String
    let dataHash: UInt64
    let dataOffset: Int
    let sections: [String: (section: PackSection, offset: Int)]

    init(_ bytes: UnsafeRawBufferPointer, name: String) throws(ModelFilesError) {
        guard bytes.prefix(8).elementsEqual(PackFormat.magic) else {
            throw damaged(name, "it does not begin as a pack")
        }
        let version = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self))
        guard version == PackFormat.version else { throw damaged(name, "its format is \(version)") }
        let headerBytes = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt32.self)))
        let fileBytes = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
        guard headerBytes >= PackFormat.fixedBytes, headerBytes <= min(bytes.count, PackFormat.mostHeaderBytes),
            fileBytes == UInt64(bytes.count)
        else { throw damaged(name, "it was cut: \(bytes.count) bytes of \(fileBytes)") }
        dataHash = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 24, as: UInt64.self))
        let ownHash = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 32, as: UInt64.self))
        var copy = Array(bytes.prefix(headerBytes))
        copy.replaceSubrange(32..<40, with: repeatElement(0, count: 8))
        guard copy.withUnsafeBytes({ contentHash($0) }) == ownHash else {
            throw damaged(name, "its header's hash is wrong")
        }

        var cursor = Cursor(bytes: copy, offset: PackFormat.fixedBytes, name: name)
        key = try cursor.text()
        var sections: [String: (section: PackSection, offset: Int)] = [:]
        for _ in 0..<(try cursor.number(UInt32.self)) {
            let section = try cursor.text()
            let rows = try cursor.number(UInt64.self)
            let columns = try cursor.number(UInt64.self)
            let offset = try cursor.number(UInt64.self)
            let byteCount = try cursor.number(UInt64.self)
            guard offset % UInt64(PackFormat.alignment) == 0, offset <= UInt64(bytes.count),
                byteCount <= UInt64(bytes.count) - offset, rows <= UInt32.max, columns <= UInt32.max
            else { throw damaged(name, "its section \(section) does not lie in it") }
            sections[section] = (
                PackSection(name: section, rows: Int(rows), columns: Int(columns), byteCount: Int(byteCount)),
                Int(offset)
            )
        }
        self.sections = sections
        dataOffset = PackFormat.aligned(headerBytes)
        guard dataOffset <= bytes.count else { throw damaged(name, "it ends in its header") }
    }

    private struct Cursor {
        let bytes: [UInt8]
        var offset: Int
        let name: String

        mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(ModelFilesError) -> Number {
            let size = MemoryLayout<Number>.size
            guard bytes.count - offset >= size else { throw damaged(name, "its header is cut") }
            defer { offset += size }
            return bytes.withUnsafeBytes {
                Number(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: Number.self))
            }
        }

        mutating func text() throws(ModelFilesError) -> String {
            let count = Int(try number(UInt32.self))
            guard bytes.count - offset >= count else { throw damaged(name, "its header is cut") }
            defer { offset += count }
            return String(decoding: bytes[offset..<offset + count], as: UTF8.self)
        }
    }
}
