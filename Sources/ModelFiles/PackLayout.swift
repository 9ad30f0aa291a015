/// The pack: a model's weights as workers compute with them, in one file that all of them map.
///
/// ```
/// 0   magic "DISTPACK"           8 bytes
/// 8   format version             4
/// 12  bytes of the header        4      everything before the first section's alignment gap
/// 16  bytes of the file          8
/// 24  hash of all sections       8      XXH64, gaps included
/// 32  hash of the header         8      XXH64 with these 8 bytes zero
/// 40  key                               4 bytes of length, then UTF-8
/// …   number of sections         4
/// …   sections                          name (as above), rows 8, columns 8, offset 8, bytes 8
/// ```
/// All numbers are little-endian; each section begins at a multiple of 64. A section is float32 values [rows, columns], a
/// packed weight [rows, columns] in panels, or the bytes of a file (rows and columns 0).
///
/// The format is private to one version of the software: a pack of another version is made anew, never converted.
enum PackFormat {
    static let magic: [UInt8] = Array("DISTPACK".utf8)
    static let version: UInt32 = 6
    static let alignment = 64
    static let fixedBytes = 40
    /// More than any real header has; keeps a damaged length from being believed.
    static let mostHeaderBytes = 16 << 20

    static func aligned(_ offset: Int) -> Int { (offset + alignment - 1) & ~(alignment - 1) }
}

/// A part of a pack: what it is called, its shape, and how many bytes it takes.
package struct PackSection: Sendable, Equatable {
    package let name: String
    /// [rows, columns] of a tensor; a vector has one row; both 0 for a file.
    package let rows: Int
    package let columns: Int
    package let byteCount: Int

    package init(name: String, rows: Int = 0, columns: Int = 0, byteCount: Int) {
        self.name = name
        self.rows = rows
        self.columns = columns
        self.byteCount = byteCount
    }

    var extent: String { "[\(rows), \(columns)] in \(byteCount) bytes" }
}
