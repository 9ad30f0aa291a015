import Messages
import Testing
import Wire

/// Unpacking into a block that is too small fails at one allocation after another, and never leaks or crashes.
@Suite struct ArenaTests {
    @Test func everyAllocationMayFail() throws {
        func check<M: WireMessage>(_ message: M) throws {
            let bytes = message.encode()
            try bytes.withUnsafeBytes { raw in
                let bound = try M.unpackedBytes(raw)
                let whole = try DecodingArena(capacity: bound)
                #expect(try M.decode(raw, in: whole) == message)
                let needed = whole.usedBytes
                #expect(needed <= bound)
                // All sizes for small messages; every allocation of larger ones is met by steps of the alignment.
                for capacity in stride(from: 0, to: needed - 15, by: needed < 1_024 ? 1 : 16) {
                    let small = try DecodingArena(capacity: capacity)
                    let error = #expect(throws: WireError.self) { try M.decode(raw, in: small) }
                    #expect(error?.kind == .malformed)
                }
            }
        }
        for message in Samples.all { try check(message) }
    }

    @Test func theBoundIsCloseToTheNeed() throws {
        let values = [Float](repeating: 1, count: 384)
        let bytes = EmbedResponse(results: [Embedding(values: values, tokens: 16)]).encode()
        try bytes.withUnsafeBytes { raw in
            let bound = try EmbedResponse.unpackedBytes(raw)
            #expect(bound < 2 * bytes.count)
        }
    }
}
