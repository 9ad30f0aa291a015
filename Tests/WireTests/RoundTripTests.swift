import Messages
import Testing
import Wire

@Suite struct RoundTripTests {
    @Test func everyMessageComesBackAsItWent() throws {
        func check<M: WireMessage>(_ message: M) throws {
            let bytes = message.encode()
            #expect(!bytes.isEmpty || message is CacheListRequest)
            #expect(try M.decode(bytes) == message)
            #expect(try M.decode(bytes).encode() == bytes)
        }
        for message in Samples.all { try check(message) }
    }

    @Test func defaultsTakeNoBytes() throws {
        #expect(ClassifyRequest().encode().isEmpty)
        #expect(try ClassifyRequest.decode([]) == ClassifyRequest())
        #expect(try Request.decode([]) == Request())
        #expect(try Response.decode([]).timings == nil)
        #expect(try Response.decode([]).status == .ok)
    }

    @Test func textKeepsWhatACStringWouldLose() throws {
        let request = ClassifyRequest(inputs: [TextInput(text: "a\u{0}b")])
        #expect(try ClassifyRequest.decode(request.encode()).inputs[0].text.utf8.count == 3)
    }

    @Test func largeListsComeBackWhole() throws {
        let values = (0..<1_000_000).map { Float($0) * 0.5 }
        let response = FeaturesResponse(results: [Features(tokens: 1_000, hidden: 1_000, values: values)])
        #expect(try FeaturesResponse.decode(response.encode()) == response)
        let encoding = TextEncoding(ids: Array(0..<100_000), tokens: (0..<100_000).map { "token number \($0)" })
        #expect(try TokenizeResponse.decode(TokenizeResponse(results: [encoding]).encode()).results == [encoding])
    }

    @Test func aStatusBeyondGRPCsIsUnknown() throws {
        var bytes = Response(status: .unauthenticated).encode()
        #expect(bytes == [0x10, 16])
        bytes[1] = 99
        #expect(try Response.decode(bytes).status == .unknown)
    }
}
