import Messages
import Testing
import Wire

/// The bytes of every message as version 1 of the protocol writes them. They never change: a peer of that version reads
/// and writes exactly these. What was added since keeps its first bytes, too.
@Suite struct GoldenTests {
    /// The samples by name: the type, and the case of a frame.
    static func named() -> [(name: String, message: any WireMessage)] {
        (Samples.frames + Samples.toWorker + Samples.fromWorker + Samples.payloads).map { message in
            let type = String(describing: type(of: message))
            switch message {
            case is Frame, is ToWorker, is FromWorker:
                let label = Mirror(reflecting: message).children.first?.label ?? "?"
                return ("\(type).\(label)", message)
            default: return (type, message)
            }
        }
    }

    @Test func versionOneIsReadAndWritten() throws {
        #expect(WireProtocol.version == 1)
        try Self.compare(Self.named(), with: GoldenVersion1.messages)
    }

    @Test func additionsAreReadAndWritten() throws {
        try Self.compare(Samples.additions, with: GoldenVersion1.additions)
    }

    private static func compare(
        _ samples: [(name: String, message: any WireMessage)],
        with golden: [String: String]
    ) throws {
        func check<M: WireMessage>(_ message: M, _ bytes: [UInt8]) throws {
            #expect(try M.decode(bytes) == message)
            #expect(message.encode() == bytes)
        }
        var names: Set<String> = []
        for (name, message) in samples {
            names.insert(name)
            guard let hex = golden[name] else {
                Issue.record("add \"\(name)\": \"\(Self.hex(message.encode()))\" to GoldenVersion1")
                continue
            }
            try check(message, try #require(Self.bytes(hex)))
        }
        #expect(names == Set(golden.keys))
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        bytes.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined()
    }

    private static func bytes(_ hex: String) -> [UInt8]? {
        let digits = hex.compactMap(\.hexDigitValue)
        guard digits.count == hex.count, digits.count % 2 == 0 else { return nil }
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }
}
