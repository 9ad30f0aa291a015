import Glibc
import Synchronization

/// Lines for people, on a descriptor that somebody reads slowly, or not at all. Writing never waits: a line that is not
/// taken at once is dropped, and the next one that is taken comes after a note of how many were.
package final class LineOutput: Sendable {
    private struct State {
        let descriptor: Int32
        /// Whether it is closed with the output.
        let isOwn: Bool
        var dropped = 0
        /// The end of a line of which a stream has taken the start.
        var rest: [UInt8] = []

        func release() { if isOwn { close(descriptor) } }
    }

    /// A pipe takes as many bytes as this as a whole or not at all.
    private static let longest = Int(PIPE_BUF)

    /// Of the file, when it is one that was named.
    private let path: String?
    private let state: Mutex<State>

    /// - Parameter descriptor: stays the caller's, and open. Others may share it, so it is not made non-blocking itself; it
    ///   is opened again where it can be, which gives a file, a pipe or a terminal of our own.
    package init(_ descriptor: Int32) {
        path = nil
        let own = open("/proc/self/fd/\(descriptor)", Self.flags)
        state = Mutex(State(descriptor: own >= 0 ? own : descriptor, isOwn: own >= 0))
        // What others write to the shared one goes behind our lines, too, not over them.
        let flags = fcntl(descriptor, F_GETFL)
        if own >= 0, flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags | O_APPEND) }
    }

    /// Appends to a file, which is made when there is none.
    package init(path: String) throws(SystemError) {
        self.path = path
        state = Mutex(State(descriptor: try Self.openFile(path), isOwn: true))
    }

    deinit { state.withLock { $0.release() } }

    private static let flags = O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY

    private static func openFile(_ path: String) throws(SystemError) -> Int32 {
        try OwnedDescriptor.open(path, flags: flags | O_CREAT, mode: 0o640).take()
    }

    /// Opens the file of that name anew, after somebody has moved it away. When that fails, the lines go on to the old one.
    ///
    /// - Returns: whether there is a name, so that it could.
    package func reopen() throws(SystemError) -> Bool {
        guard let path else { return false }
        let descriptor = try Self.openFile(path)
        state.withLock { state in
            state.release()
            state = State(descriptor: descriptor, isOwn: true, dropped: state.dropped)
        }
        return true
    }

    /// Writes a line, without a line break at its end; what is beyond 4 KiB is cut off.
    package func write(_ line: String) {
        state.withLock { state in
            var lines = state.rest
            let kept = lines.count
            if state.dropped > 0 { lines += Array("(\(state.dropped) lines before this one were dropped)\n".utf8) }
            lines += line.utf8.prefix(Self.longest - 128)
            lines.append(UInt8(ascii: "\n"))
            let written = lines.withUnsafeBytes { Self.send($0, to: state.descriptor) }
            if written > kept {
                (state.dropped, state.rest) = (0, Array(lines[written...]))
            } else {
                state.rest = Array(lines[written..<max(kept, written)])
                state.dropped += 1
            }
        }
    }

    /// How many of the bytes are taken now.
    private static func send(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int {
        var written = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        if written < 0, errno == ENOTSOCK {
            var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard Glibc.poll(&poll, 1, 0) == 1, poll.revents & Int16(POLLOUT) != 0 else { return 0 }
            written = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        return max(0, written)
    }
}
