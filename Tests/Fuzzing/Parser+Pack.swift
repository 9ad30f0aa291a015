import Glibc
import ModelFiles
import TestSupport
import Tokenization

extension Parser {
    /// A pack's header, the files in it and its compiled tokenizer. Its size and its hash are made right first, which no
    /// fuzzer would guess.
    static let pack = Parser(name: "pack") {
        let files = [
            ("config.json", SmallModel.configuration), ("vocab.txt", SmallModel.vocabulary),
        ]
        let specification = TokenizerSpecification(vocabulary: TokenList(SmallModel.words))
        let notes = try Tokenizer(specification).notes
        let sections =
            files.map { PackSection(name: "file:\($0.0)", byteCount: $0.1.utf8.count) }
            + [
                PackSection(name: "weight", rows: 2, columns: 3, byteCount: 24)
            ]
            + notes.map { PackSection(name: PackFile.noteSection($0.name), byteCount: $0.bytes.count) }
        let path = scratch("seed")
        let descriptor = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        let writer = try PackWriter(descriptor: descriptor, key: "k", sections: sections)
        for (name, text) in files { writer.memory(of: "file:\(name)").copyBytes(from: text.utf8) }
        for (name, bytes) in notes { writer.memory(of: PackFile.noteSection(name)).copyBytes(from: bytes) }
        try writer.finish()
        let pack = try PackFile(descriptor: descriptor)
        return withExtendedLifetime(pack) { [Array(pack.bytes)] }
    } run: { bytes in
        var bytes = bytes
        if bytes.count >= 40 {
            bytes.replaceSubrange(16..<24, with: littleEndian(UInt64(bytes.count)))
            let header = bytes.withUnsafeBytes {
                Int(UInt32(littleEndian: $0.load(fromByteOffset: 12, as: UInt32.self)))
            }
            bytes.replaceSubrange(32..<40, with: repeatElement(0, count: 8))
            let hash = bytes.prefix(header).withUnsafeBytes { contentHash($0) }
            bytes.replaceSubrange(32..<40, with: littleEndian(hash))
        }
        let descriptor = open(scratch("pack"), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        defer { close(descriptor) }
        guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count,
            let pack = try? PackFile(descriptor: descriptor)
        else { return false }
        _ = pack.verify()
        var sum: UInt8 = 0
        for name in pack.names(prefix: "") {
            for byte in pack.bytes(of: name) ?? .init(start: nil, count: 0) { sum &+= byte }
            _ = try? pack.memory(of: PackSection(name: name, rows: 2, columns: 3, byteCount: 24))
        }
        if let model = try? ModelFolder(pack: pack) { _ = try? model.tokenizer() }
        if let tokenizer = try? Tokenizer(pack: pack, words: .max) {
            let limit = min(tokenizer.specification.modelMaxLength ?? 512, 512)
            if let encoding = try? tokenizer.encode("a abb [MASK] é zzz", maxLength: limit) {
                precondition(encoding.typeIDs.allSatisfy { $0 >= 0 })
                precondition(encoding.ids.allSatisfy { 0 <= $0 && Int($0) < tokenizer.idLimit })
            }
        }
        return true
    }

    private static let scratch: TemporaryFolder = {
        guard let folder = try? TemporaryFolder() else { fatalError("no temporary folder") }
        return folder
    }()

    private static func littleEndian(_ number: UInt64) -> [UInt8] {
        withUnsafeBytes(of: number.littleEndian, Array.init)
    }
}
