import Glibc
import LinuxSystem
import Messages
import Supervisor
import Testing
import Wire

/// Frames with descriptors among frames without, through a socket that takes little at a time.
@Suite struct OutputBufferTests {
    /// A descriptor that can be told from others by the size of its file.
    private static func file(ofSize size: Int) throws -> HeldDescriptor {
        var name = Array("/tmp/OutputBufferTests.XXXXXX".utf8CString)
        let descriptor = OwnedDescriptor(mkstemp(&name))
        unlink(name)
        try #require(descriptor.rawValue >= 0)
        try #require(ftruncate(descriptor.rawValue, size) == 0)
        return HeldDescriptor(descriptor)
    }

    private static func size(of descriptor: borrowing OwnedDescriptor) -> Int {
        var information = stat()
        return fstat(descriptor.rawValue, &information) == 0 ? information.st_size : -1
    }

    @Test(arguments: [64, 1 << 10, 200 << 10])
    func descriptorsArriveWithTheirFrames(payload: Int) throws {
        let pair = try UnixStream.pair()
        try pair.first.setNonBlocking(true)
        try pair.second.setNonBlocking(true)
        var output = OutputBuffer()
        // How many descriptors go with each frame; each has a size of its own.
        let counts = [0, 2, 0, 0, 1, 3, 0]
        var next = 0
        for (number, count) in counts.enumerated() {
            let files = try (0..<count).map { try Self.file(ofSize: next + $0 + 1) }
            next += count
            let frame = ToWorker.prepare(
                ToWorker.Prepare(requestID: UInt64(number), payload: Array(repeating: 7, count: payload))
            )
            try output.append(frame, with: files, maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes)
        }
        var decoder = FrameDecoder(maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes)
        var descriptors = ReceivedDescriptors()
        var (arrived, sizes): ([UInt64], [Int]) = ([], [])
        var progress = OutputBuffer.Progress.waiting
        while arrived.count < counts.count {
            let before = output.count
            if progress == .waiting { progress = output.flush(to: pair.first) }
            try #require(progress != .closed)
            var read = TransferResult.wouldBlock
            _ = decoder.withSpareCapacity(64 << 10) { room in
                read = (try? pair.second.read(into: room, descriptors: &descriptors, maximum: 8)) ?? .closed
                if case .bytes(let count) = read { return count }
                return 0
            }
            while case .prepare(let prepare)? = try decoder.next(ToWorker.self) {
                #expect(prepare.payload.count == payload)
                arrived.append(prepare.requestID)
                for _ in 0..<counts[Int(prepare.requestID)] {
                    if let descriptor = descriptors.takeFirst() { sizes.append(Self.size(of: descriptor)) }
                }
            }
            try #require(read != .wouldBlock || output.count < before, "nothing moves")
        }
        #expect(arrived == (0..<UInt64(counts.count)).map { $0 })
        #expect(sizes == Array(1...next))
        #expect(descriptors.count == 0 && descriptors.discarded == 0)
        #expect(output.count == 0)
    }

    /// A descriptor is held until its frame has left, and not longer.
    @Test func descriptorsAreReleasedWhenTheyHaveLeft() throws {
        let pair = try UnixStream.pair()
        try pair.first.setNonBlocking(true)
        var output = OutputBuffer()
        weak var released: HeldDescriptor?
        do {
            let file = try Self.file(ofSize: 1)
            released = file
            try output.append(ToWorker.drain(ToWorker.Drain()), with: [file], maximumFrameBytes: 1 << 10)
        }
        #expect(released != nil)
        #expect(output.flush(to: pair.first) == .done)
        #expect(released == nil)
    }

    /// What has left takes no memory while the rest waits.
    @Test func whatHasLeftIsGivenBack() throws {
        let pair = try UnixStream.pair()
        try pair.first.setNonBlocking(true)
        var output = OutputBuffer()
        let frame = ToWorker.prepare(ToWorker.Prepare(requestID: 1, payload: Array(repeating: 7, count: 100 << 10)))
        for _ in 0..<20 { try output.append(frame, maximumFrameBytes: WireProtocol.maximumWorkerFrameBytes) }
        let size = output.count / 20
        #expect(size > 100 << 10)
        #expect(output.flush(to: pair.first) == .waiting)
        #expect(output.count.isMultiple(of: size) && output.count < 20 * size)
    }
}
