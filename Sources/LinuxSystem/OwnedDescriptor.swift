import CLinuxShims
import Glibc
import Time

/// A file descriptor with one owner.
///
/// The type cannot be copied, so exactly one owner closes it: by `close()`, or when the value goes out of scope. Closing a
/// descriptor that somebody else has already closed is an ownership error and traps in debug builds.
@frozen @usableFromInline package struct OwnedDescriptor: ~Copyable, Sendable {
    /// The number of the descriptor, valid for as long as this value lives.
    package let rawValue: Int32

    /// Takes ownership of an open descriptor.
    package init(_ rawValue: Int32) {
        assert(rawValue >= 0, "a descriptor is not negative")
        self.rawValue = rawValue
    }

    deinit { Self.release(rawValue) }

    /// Closes the descriptor now.
    package consuming func close() {
        let number = rawValue
        discard self
        Self.release(number)
    }

    /// Gives up ownership: the caller has to close the number.
    package consuming func take() -> Int32 {
        let number = rawValue
        discard self
        return number
    }

    /// Linux releases the number even when `close` reports an error, so it is never repeated.
    private static func release(_ number: Int32) {
        let result = Glibc.close(number)
        assert(result == 0 || errno != EBADF, "descriptor \(number) was closed by someone who did not own it")
    }
}

extension OwnedDescriptor {
    /// Opens a file, close-on-exec.
    package static func open(
        _ path: String,
        flags: Int32 = O_RDONLY,
        mode: UInt32 = 0o600
    ) throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(try checked("open", path: path, linux_open(path, flags, mode)))
    }

    /// A pipe, close-on-exec at both ends.
    package static func pipe() throws(SystemError) -> PipeEnds {
        var numbers: (Int32, Int32) = (-1, -1)
        let result = withUnsafeMutableBytes(of: &numbers) { bytes in
            linux_pipe(bytes.assumingMemoryBound(to: Int32.self).baseAddress!)
        }
        try checked("pipe", result)
        return PipeEnds(reading: OwnedDescriptor(numbers.0), writing: OwnedDescriptor(numbers.1))
    }

    /// A second descriptor of the same open file, close-on-exec.
    package borrowing func duplicate() throws(SystemError) -> OwnedDescriptor {
        OwnedDescriptor(try checked("duplicate descriptor", linux_duplicate_from(rawValue, 3)))
    }

    package borrowing func setNonBlocking(_ nonBlocking: Bool) throws(SystemError) {
        try checked("set O_NONBLOCK", linux_set_nonblocking(rawValue, nonBlocking))
    }

    /// Reads what is there, at most the size of the buffer.
    package borrowing func read(into buffer: UnsafeMutableRawBufferPointer) throws(SystemError) -> TransferResult {
        try TransferResult.ofRead("read", wanted: buffer.count) {
            while true {
                let count = Glibc.read(rawValue, buffer.baseAddress, buffer.count)
                if count >= 0 { return count }
                let error = errno
                if error != EINTR { return -Int(error) }
            }
        }
    }

    /// Writes as much as the file, pipe or socket takes now.
    package borrowing func write(_ bytes: UnsafeRawBufferPointer) throws(SystemError) -> TransferResult {
        try TransferResult.ofWrite("write") {
            while true {
                let count = Glibc.write(rawValue, bytes.baseAddress, bytes.count)
                if count >= 0 { return count }
                let error = errno
                if error != EINTR { return -Int(error) }
            }
        }
    }

    /// Waits until a read would not block, or the time is up.
    ///
    /// - Parameter timeout: the longest wait; for ever when nil.
    /// - Returns: false when the time is up.
    package borrowing func waitReadable(within timeout: Duration? = nil) throws(SystemError) -> Bool {
        try checked("poll", linux_wait_ready(rawValue, false, timeout?.pollMilliseconds ?? -1)) > 0
    }

    /// Waits until a write would not block, or the time is up. See ``waitReadable(within:)``.
    package borrowing func waitWritable(within timeout: Duration? = nil) throws(SystemError) -> Bool {
        try checked("poll", linux_wait_ready(rawValue, true, timeout?.pollMilliseconds ?? -1)) > 0
    }
}

/// The two ends of a pipe.
@frozen @usableFromInline package struct PipeEnds: ~Copyable, Sendable {
    package var reading: OwnedDescriptor
    package var writing: OwnedDescriptor
}
