import CLinuxShims
import Glibc

/// The process at the other end of a Unix socket, as the kernel recorded it when the connection was made.
package struct PeerCredentials: Equatable, Sendable {
    package var processID: Int32
    package var userID: UInt32
    package var groupID: UInt32
}

/// A connected Unix stream socket.
///
/// It blocks until ``setNonBlocking(_:)``. Writes to a reader that is gone give ``TransferResult/closed``, never SIGPIPE.
@frozen @usableFromInline package struct UnixStream: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor

    package init(_ descriptor: consuming OwnedDescriptor) {
        self.descriptor = descriptor
    }

    /// Connects to a listening socket.
    package static func connect(to path: String) throws(SystemError) -> UnixStream {
        try requireSocketPath(path)
        let descriptor = OwnedDescriptor(try checked("socket", linux_unix_socket()))
        try checked("connect to", path: path, linux_connect_unix(descriptor.rawValue, path))
        return UnixStream(descriptor)
    }

    /// Two sockets connected to each other.
    package static func pair() throws(SystemError) -> UnixStreamPair {
        var numbers: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &numbers) { bytes in
            linux_socketpair(bytes.assumingMemoryBound(to: Int32.self).baseAddress!)
        }
        try checked("socketpair", result)
        return UnixStreamPair(
            first: UnixStream(OwnedDescriptor(numbers.0)),
            second: UnixStream(OwnedDescriptor(numbers.1))
        )
    }

    package var rawValue: Int32 { descriptor.rawValue }

    package consuming func close() { descriptor.close() }

    package borrowing func setNonBlocking(_ nonBlocking: Bool) throws(SystemError) {
        try descriptor.setNonBlocking(nonBlocking)
    }

    package borrowing func peerCredentials() throws(SystemError) -> PeerCredentials {
        var peer = linux_peer()
        try checked("read peer credentials", linux_peer_credentials(rawValue, &peer))
        return PeerCredentials(processID: peer.pid, userID: peer.uid, groupID: peer.gid)
    }

    /// Ends the sending direction: the peer reads end of file after what is already under way.
    package borrowing func shutdownWriting() throws(SystemError) {
        try retrying("shutdown") { Glibc.shutdown(rawValue, Int32(SHUT_WR)) }
    }
}

/// The two ends of a socket pair.
@frozen @usableFromInline package struct UnixStreamPair: ~Copyable, Sendable {
    package var first: UnixStream
    package var second: UnixStream

    package init(first: consuming UnixStream, second: consuming UnixStream) {
        self.first = first
        self.second = second
    }

    /// Keeps the first end and closes the other, which a child has inherited.
    package consuming func takeFirst() -> UnixStream { first }
}

// MARK: - Bytes

extension UnixStream {
    /// Reads what has arrived, at most the size of the buffer. Descriptors that came along are closed by the kernel.
    package borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> TransferResult {
        try TransferResult.ofRead("receive", wanted: buffer.count) {
            linux_receive(rawValue, buffer.baseAddress, buffer.count)
        }
    }

    /// Writes as much as the socket takes now.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> TransferResult {
        try TransferResult.ofWrite("send") { linux_send(rawValue, bytes.baseAddress, bytes.count) }
    }

    /// Fills the buffer, waiting as long as it takes.
    ///
    /// - Returns: the number of bytes read, which is less than the size of the buffer only when the peer closed.
    package borrowing func readFully(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> Int {
        var filled = 0
        while filled < buffer.count {
            switch try read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])) {
            case .bytes(let count): filled += count
            case .wouldBlock: _ = try descriptor.waitReadable()
            case .closed: return filled
            }
        }
        return filled
    }

    /// Writes all the bytes, waiting as long as it takes.
    ///
    /// - Returns: false when the peer closed before it could take them all.
    package borrowing func writeFully(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> Bool {
        var written = 0
        while written < bytes.count {
            switch try write(UnsafeRawBufferPointer(rebasing: bytes[written...])) {
            case .bytes(let count): written += count
            case .wouldBlock: _ = try descriptor.waitWritable()
            case .closed: return false
            }
        }
        return true
    }
}

// MARK: - Descriptors

extension UnixStream {
    /// The most descriptors that one message can carry.
    package static var descriptorsPerMessage: Int { linux_descriptors_per_message() }

    /// Writes bytes, at least one, with descriptors attached to the first byte. The caller keeps its own.
    ///
    /// When only some of the bytes were taken, the descriptors have left all the same; send the rest with ``write(_:)``.
    package borrowing func write(
        _ bytes: UnsafeRawBufferPointer,
        descriptors: [Int32]
    ) throws(SystemError) -> TransferResult {
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            throw SystemError("send descriptors", EINVAL, hint: "Descriptors travel with at least one byte.")
        }
        guard descriptors.count <= Self.descriptorsPerMessage else {
            let limit = Self.descriptorsPerMessage
            throw SystemError("send descriptors", EINVAL, hint: "One message carries at most \(limit) descriptors.")
        }
        return try TransferResult.ofWrite("send descriptors") {
            descriptors.withUnsafeBufferPointer { list in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1) { empty in
                    linux_send_descriptors(
                        rawValue,
                        start,
                        bytes.count,
                        list.baseAddress ?? UnsafePointer(empty.baseAddress!),
                        list.count
                    )
                }
            }
        }
    }

    /// Reads bytes and the descriptors that came with them.
    ///
    /// - Parameters:
    ///   - buffer: at least one byte.
    ///   - received: gains the descriptors, close-on-exec, in the order sent.
    ///   - maximum: how many descriptors to keep of one read; the others are closed and counted as discarded.
    package borrowing func read(
        into buffer: UnsafeMutableRawBufferPointer,
        descriptors received: inout ReceivedDescriptors,
        maximum: Int
    ) throws(SystemError) -> TransferResult {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return .bytes(0) }
        let capacity = min(max(maximum, 0), Self.descriptorsPerMessage)
        var discarded = 0
        var numbers: [Int32] = []
        let result = try TransferResult.ofRead("receive descriptors", wanted: buffer.count) {
            var outcome = 0
            numbers = [Int32](unsafeUninitializedCapacity: capacity + 1) { list, count in
                outcome = linux_receive_descriptors(
                    rawValue,
                    start,
                    buffer.count,
                    list.baseAddress!,
                    capacity,
                    &count,
                    &discarded
                )
            }
            return outcome
        }
        received.add(numbers, discarded: discarded)
        return result
    }
}

/// Descriptors received from a peer, owned until they are taken; those that nobody takes are closed.
package struct ReceivedDescriptors: ~Copyable, Sendable {
    private var numbers: [Int32] = []
    /// How many unsolicited descriptors were closed on arrival.
    package private(set) var discarded = 0

    package init() {}

    deinit {
        for number in numbers { OwnedDescriptor(number).close() }
    }

    package var count: Int { numbers.count }

    /// Takes the oldest descriptor, or nil when there is none.
    package mutating func takeFirst() -> OwnedDescriptor? {
        numbers.isEmpty ? nil : OwnedDescriptor(numbers.removeFirst())
    }

    mutating func add(_ arrived: [Int32], discarded more: Int) {
        numbers += arrived
        discarded += more
    }
}

/// Refuses a path that does not fit a Unix socket's address.
func requireSocketPath(_ path: String) throws(SystemError) {
    let limit = linux_socket_path_limit()
    if path.isEmpty || path.utf8.contains(0) {
        throw SystemError("use socket path", EINVAL, path: path, hint: "The path must be a non-empty file name.")
    }
    if path.utf8.count > limit {
        let hint = "It has \(path.utf8.count) bytes and a Unix socket's path at most \(limit); choose a shorter one."
        throw SystemError("use socket path", ENAMETOOLONG, path: path, hint: hint)
    }
}
