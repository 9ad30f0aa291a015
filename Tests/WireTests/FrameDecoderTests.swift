import Messages
import Testing
import Wire

@Suite struct FrameDecoderTests {
    @Test func framesSurviveEveryCut() throws {
        let stream = try Samples.frames.flatMap { try FrameEncoder.encode($0) }
        for size in 1...stream.count {
            var decoder = FrameDecoder()
            var frames: [Frame] = []
            for start in stride(from: 0, to: stream.count, by: size) {
                decoder.append(Array(stream[start..<min(start + size, stream.count)]))
                while let frame: Frame = try decoder.next() { frames.append(frame) }
            }
            #expect(frames == Samples.frames)
            #expect(decoder.bufferedBytes == 0)
        }
    }

    @Test func readingIntoSpareCapacity() throws {
        let frame = try FrameEncoder.encode(Frame.response(Samples.response))
        var decoder = FrameDecoder()
        for byte in frame {
            #expect(try decoder.next(Frame.self) == nil)
            decoder.withSpareCapacity { room in
                room[0] = byte
                return 1
            }
        }
        #expect(try decoder.next() == Frame.response(Samples.response))
        #expect(decoder.withSpareCapacity { _ in -1 } == -1)
        #expect(decoder.bufferedBytes == 0)
    }

    @Test func anOversizePrefixIsRefusedAtOnce() {
        var decoder = FrameDecoder()
        decoder.append([0xff, 0xff, 0xff])
        #expect(throws: Never.self) { try decoder.next(Frame.self) }
        decoder.append([0xff])
        let error = #expect(throws: WireError.self) { try decoder.next(Frame.self) }
        #expect(error?.status == .resourceExhausted)
        #expect(error?.message == "a frame of 4294967295 bytes was announced, and the limit is 16777216")
    }

    @Test func roomIsNotMadeForWhatWasOnlyAnnounced() throws {
        var decoder = FrameDecoder()
        decoder.append([0x00, 0xff, 0xff, 0xff, 0x12])
        #expect(try decoder.next(Frame.self) == nil)
        let room = decoder.withSpareCapacity { $0.count > 1 << 20 ? 0 : -1 }
        #expect(room == -1)
    }

    @Test func aMalformedFrameIsTakenAndTheNextOneRead() throws {
        var decoder = FrameDecoder()
        decoder.append([0, 0, 0, 1, 0x80])
        decoder.append(try FrameEncoder.encode(Frame.ping(Ping(id: 5))))
        #expect(throws: WireError.self) { try decoder.next(Frame.self) }
        #expect(try decoder.next() == Frame.ping(Ping(id: 5)))
    }

    @Test func aFrameBeyondTheLimitIsNotEncoded() throws {
        let frame = Frame.request(Request(streamID: 1, payload: [UInt8](repeating: 0, count: 100)))
        let size = frame.encode().count
        #expect(try FrameEncoder.encode(frame, maximumFrameBytes: size).count == size + 4)
        let error = #expect(throws: WireError.self) { try FrameEncoder.encode(frame, maximumFrameBytes: size - 1) }
        #expect(error?.message == "the frame has \(size) bytes, and the limit is \(size - 1); send less at once")
    }

    @Test func largeFramesInManyPieces() throws {
        let payload = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        let frame = Frame.request(Request(streamID: 1, payload: payload))
        let bytes = try FrameEncoder.encode(frame)
        var decoder = FrameDecoder()
        for start in stride(from: 0, to: bytes.count, by: 65_537) {
            bytes[start..<min(start + 65_537, bytes.count)].withUnsafeBytes { decoder.append($0) }
        }
        #expect(try decoder.next() == frame)
    }

    @Test func memoryIsGivenBackWhenFramesAreTaken() throws {
        let large = Frame.request(Request(streamID: 1, payload: Array(repeating: 7, count: 1_000_000)))
        let small = try FrameEncoder.encode(Frame.ping(Ping(id: 5)))
        var decoder = FrameDecoder(keptBytes: 100)
        decoder.append(try FrameEncoder.encode(large) + small.dropLast())
        #expect(decoder.heldBytes >= 1_000_000)
        #expect(try decoder.next() == large)
        #expect(decoder.heldBytes == small.count - 1 && decoder.bufferedBytes == small.count - 1)
        decoder.append(Array(small.suffix(1)))
        #expect(try decoder.next() == Frame.ping(Ping(id: 5)))
        #expect(decoder.heldBytes <= 100 && decoder.bufferedBytes == 0)
    }
}
