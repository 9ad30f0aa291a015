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
