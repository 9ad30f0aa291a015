import Glibc

/// Writes a pack into a file that the caller opened, through a mapping: section by section, then the header with the
/// hashes. Until `finish` has returned the file has no valid header.
package final class PackWriter {
    /// Bytes of the whole file.
    package let byteCount: Int

    private let base: UnsafeMutableRawPointer
    private let descriptor: CInt
    private let header: [UInt8]
    private let offsets: [String: Range<Int>]

    /// Sizes the file and maps it. The descriptor stays the caller's, who closes it.
    package init(descriptor: CInt, key: String, sections: [PackSection]) throws(ModelFilesError) {
        var (header, offsets, end) = Self.header(key: key, sections: sections)
        header.replaceSubrange(16..<24, with: littleEndian(UInt64(end)))
        self.header = header
        self.offsets = offsets
        self.descriptor = descriptor
        byteCount = end
        // Blocks are reserved now: a full disk is an error here, not a SIGBUS at some store into the mapping.
        let reserved = posix_fallocate(descriptor, 0, off_t(end))
        guard reserved == 0 else {
            throw ModelFilesError(
                .unreadableFile,
                file: "pack",
                "no room for \(end) bytes in the cache folder: \(describe(reserved)); make room (`modelctl cache prune` "
                    + "removes what is not in use) or choose another folder with --cache-dir"
            )
        }
        let address = mmap(nil, end, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0)
        guard let address, address != MAP_FAILED else {
            throw ModelFilesError(.unreadableFile, file: "pack", "the new pack cannot be mapped: \(describe(errno))")
        }
        base = address
    }

    deinit { munmap(base, byteCount) }

    /// Where a section's bytes go; they are zero so far.
    package func memory(of section: String) -> UnsafeMutableRawBufferPointer {
        guard let range = offsets[section] else { preconditionFailure("the pack has no section \(section)") }
        return UnsafeMutableRawBufferPointer(start: base + range.lowerBound, count: range.count)
    }

    /// Hashes the sections, writes the header and syncs the file to the disk.
    package func finish() throws(ModelFilesError) {
        let start = PackFormat.aligned(header.count)
        let data = contentHash(UnsafeRawBufferPointer(start: base + start, count: byteCount - start))
        var header = header
        header.replaceSubrange(24..<32, with: littleEndian(data))
        let own = header.withUnsafeBytes { contentHash($0) }
        header.replaceSubrange(32..<40, with: littleEndian(own))
        header.withUnsafeBytes { base.copyMemory(from: $0.baseAddress!, byteCount: $0.count) }
        guard msync(base, byteCount, MS_SYNC) == 0, fsync(descriptor) == 0 else {
            throw ModelFilesError(
                .unreadableFile,
                file: "pack",
                "the new pack cannot be written to disk: \(describe(errno))"
            )
        }
    }

    /// Bytes that a pack of these sections will have.
    package static func byteCount(key: String, sections: [PackSection]) -> Int {
        header(key: key, sections: sections).end
    }

    private static func header(
        key: String,
        sections: [PackSection]
    ) -> (bytes: [UInt8], offsets: [String: Range<Int>], end: Int) {
        var bytes = PackFormat.magic + littleEndian(PackFormat.version)
        bytes += [UInt8](repeating: 0, count: PackFormat.fixedBytes - bytes.count)
        append(key, to: &bytes)
        bytes += littleEndian(UInt32(sections.count))
        let headerBytes = bytes.count + sections.reduce(0) { $0 + 4 + $1.name.utf8.count + 32 }
        bytes.replaceSubrange(12..<16, with: littleEndian(UInt32(headerBytes)))
        var offsets: [String: Range<Int>] = [:]
        var end = PackFormat.aligned(headerBytes)
        for section in sections {
            precondition(
                offsets.updateValue(end..<end + section.byteCount, forKey: section.name) == nil,
                "two sections named \(section.name)"
            )
            append(section.name, to: &bytes)
            for number in [section.rows, section.columns, end, section.byteCount] {
                bytes += littleEndian(UInt64(number))
            }
            end = PackFormat.aligned(end + section.byteCount)
        }
        return (bytes, offsets, end)
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        bytes += littleEndian(UInt32(text.utf8.count))
        bytes += Array(text.utf8)
    }
}

private func littleEndian<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
