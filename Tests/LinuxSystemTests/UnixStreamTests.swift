import Glibc
import LinuxSystem
import Testing

@Suite struct UnixStreamTests {
    @Test func bytesTravelBothWaysAndAClosedPeerIsNotAnError() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        #expect(try Array("hello".utf8).withUnsafeBytes { try first.writeFully($0) })
        #expect(try read(second, count: 5) == Array("hello".utf8))
        #expect(try Array("bye".utf8).withUnsafeBytes { try second.writeFully($0) })
        #expect(try read(first, count: 3) == Array("bye".utf8))

        second.close()
        #expect(try read(first, count: 1) == [])
        // Without MSG_NOSIGNAL this would end the test by SIGPIPE.
        #expect(try [UInt8(1)].withUnsafeBytes { try first.write($0) } == .closed)
    }

    @Test func aNonBlockingStreamSaysWhenItWouldBlock() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        try first.setNonBlocking(true)
        var buffer = [UInt8](repeating: 0, count: 65536)
        #expect(try buffer.withUnsafeMutableBytes { try first.read(into: $0) } == .wouldBlock)
        var sent = 0
        while case .bytes(let count) = try buffer.withUnsafeBytes({ try first.write($0) }) { sent += count }
        #expect(sent > 0)
        #expect(try first.descriptor.waitWritable(within: .zero) == false)
        #expect(try read(second, count: sent).count == sent)
        #expect(try first.descriptor.waitWritable(within: .zero))
    }

    @Test func writeFullyWaitsForASlowReader() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        let writer = Shared(first)
        let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        try writer.value.setNonBlocking(true)
        let sent = OwnThread { try bytes.withUnsafeBytes { try writer.value.writeFully($0) } }
        #expect(try read(second, count: bytes.count) == bytes)
        #expect(try sent.join())
    }

    @Test func halfClosingEndsOneDirectionOnly() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        try first.shutdownWriting()
        #expect(try read(second, count: 1) == [])
        #expect(try [UInt8(5)].withUnsafeBytes { try second.writeFully($0) })
        #expect(try read(first, count: 1) == [5])
    }

    @Test func knowsItsPeer() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let peer = try first.peerCredentials()
        #expect(peer.processID == getpid())
        #expect(peer.userID == geteuid())
        #expect(peer.groupID == getegid())
    }

    @Test func aSignalDoesNotInterruptARead() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        let reader = Shared(first)
        let thread = Shared(try EventDescriptor())
        let identity = ThreadIdentity()
        let bytes = OwnThread {
            // Without SA_RESTART, so that the system call really fails with EINTR.
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { _ in InterruptCount.increment() }
            sigaction(SIGUSR2, &action, nil)
            // Threads of Dispatch, from one of which this one descends, block signals.
            var unblocked = sigset_t()
            sigemptyset(&unblocked)
            sigaddset(&unblocked, SIGUSR2)
            pthread_sigmask(SIG_UNBLOCK, &unblocked, nil)
            identity.store(pthread_self())
            try thread.value.signal()
            return try read(reader.value, count: 4)
        }
        try #require(try thread.value.descriptor.waitReadable(within: .seconds(10)))
        let before = InterruptCount.value
        while InterruptCount.value < before + 20 {
            pthread_kill(identity.load(), SIGUSR2)
            sched_yield()
        }
        #expect(try Array("done".utf8).withUnsafeBytes { try second.writeFully($0) })
        #expect(try bytes.join() == Array("done".utf8))
    }
}

@Suite struct DescriptorPassingTests {
    @Test func descriptorsArriveInOrderAndWork() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        let pipes = [try Shared(OwnedDescriptor.pipe()), try Shared(OwnedDescriptor.pipe())]
        let numbers = pipes.map { $0.value.writing.rawValue }
        #expect(try Array("ab".utf8).withUnsafeBytes { try first.write($0, descriptors: numbers) } == .bytes(2))

        var received = ReceivedDescriptors()
        var buffer = [UInt8](repeating: 0, count: 16)
        let result = try buffer.withUnsafeMutableBytes {
            try second.read(into: $0, descriptors: &received, maximum: 4)
        }
        #expect(result == .bytes(2))
        #expect(received.count == 2 && received.discarded == 0)
        for (index, pipe) in pipes.enumerated() {
            guard let copy = received.takeFirst() else { throw SystemError("take descriptor", ENOENT) }
            #expect(fcntl(copy.rawValue, F_GETFD) == FD_CLOEXEC)
            #expect(try [UInt8(index + 40)].withUnsafeBytes { try copy.write($0) } == .bytes(1))
            #expect(try buffer.withUnsafeMutableBytes { try pipe.value.reading.read(into: $0) } == .bytes(1))
            #expect(buffer[0] == UInt8(index + 40))
        }
        let isEmpty = isNone(received.takeFirst())
        #expect(isEmpty)
    }

    /// Descriptors that nobody takes must be closed: the pipe whose writing end was sent then reads end of file.
    @Test(arguments: [
        (kept: 0, useDescriptorRead: true), (kept: 1, useDescriptorRead: true), (kept: 0, useDescriptorRead: false),
    ])
    func unsolicitedDescriptorsAreClosed(kept: Int, useDescriptorRead: Bool) throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        let pipe = try OwnedDescriptor.pipe()
        let reading = pipe.reading
        let writing = pipe.writing
        let number = writing.rawValue
        let sent = [number, number, number]
        #expect(try [UInt8(1)].withUnsafeBytes { try first.write($0, descriptors: sent) } == .bytes(1))
        writing.close()

        do {
            var received = ReceivedDescriptors()
            var buffer = [UInt8](repeating: 0, count: 4)
            let result = try buffer.withUnsafeMutableBytes {
                useDescriptorRead
                    ? try second.read(into: $0, descriptors: &received, maximum: kept)
                    : try second.read(into: $0)
            }
            #expect(result == .bytes(1))
            #expect(received.count == kept)
            #expect(received.discarded == (useDescriptorRead ? 3 - kept : 0))
        }
        var byte: [UInt8] = [0]
        #expect(try reading.waitReadable(within: .seconds(10)))
        #expect(try byte.withUnsafeMutableBytes { try reading.read(into: $0) } == .closed)
    }

    @Test func aMessageMayCarryItsFullLoad() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        let file = try OwnedDescriptor.open("/dev/null")
        let load = UnixStream.descriptorsPerMessage
        let numbers = Array(repeating: file.rawValue, count: load)
        #expect(try [UInt8(1)].withUnsafeBytes { try first.write($0, descriptors: numbers) } == .bytes(1))
        var received = ReceivedDescriptors()
        var byte: [UInt8] = [0]
        _ = try byte.withUnsafeMutableBytes { try second.read(into: $0, descriptors: &received, maximum: load) }
        #expect(received.count == load)

        let tooMany = numbers + [file.rawValue]
        #expect(throws: SystemError.self) {
            try [UInt8(1)].withUnsafeBytes { try first.write($0, descriptors: tooMany) }
        }
        #expect(throws: SystemError.self) {
            try [UInt8]().withUnsafeBytes { try first.write($0, descriptors: [file.rawValue]) }
        }
    }

    @Test func aMessageWithoutDescriptorsIsPlainBytes() throws {
        let pair = try UnixStream.pair()
        let first = pair.first
        let second = pair.second
        #expect(try [UInt8(9)].withUnsafeBytes { try first.write($0, descriptors: []) } == .bytes(1))
        first.close()
        var received = ReceivedDescriptors()
        var byte: [UInt8] = [0]
        #expect(
            try byte.withUnsafeMutableBytes { try second.read(into: $0, descriptors: &received, maximum: 1) }
                == .bytes(1)
        )
        #expect(byte == [9] && received.count == 0)
        #expect(
            try byte.withUnsafeMutableBytes { try second.read(into: $0, descriptors: &received, maximum: 1) }
                == .closed
        )
    }
}

/// Holds a value that cannot be copied where closures and arrays need one that can.
final class Shared<Value: ~Copyable & Sendable>: Sendable {
    let value: Value
    init(_ value: consuming Value) { self.value = value }
}

private func read(_ stream: borrowing UnixStream, count: Int) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    let filled = try bytes.withUnsafeMutableBytes { try stream.readFully(into: $0) }
    return Array(bytes[..<filled])
}
