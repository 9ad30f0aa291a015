import Glibc
import Synchronization

/// Lines for people, on a descriptor that somebody reads slowly, or not at all. Writing never waits: a line that is not
/// taken at once is dropped, and the next one that is taken comes after a note of how many were.
package final class LineOutput: Sendable {
    private struct State {
        var dropped = 0
        /// The end of a line of which a stream has taken the start.
        var rest: [UInt8] = []
    }

    /// A pipe takes as many bytes as this as a whole or not at all.
    private static let longest = Int(PIPE_BUF)

    private let descriptor: Int32
    private let isOwn: Bool
    private let state = Mutex(State())

    /// - Parameter descriptor: stays the caller's, and open. Others may share it, so it is not made non-blocking itself; it
    ///   is opened again where it can be, which gives a file, a pipe or a terminal of our own.
    package init(_ descriptor: Int32) {
        let own = open("/proc/self/fd/\(descriptor)", O_WRONLY | O_APPEND | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
        isOwn = own >= 0
        self.descriptor = isOwn ? own : descriptor
        // What others write to the shared one goes behind our lines, too, not over them.
        let flags = fcntl(descriptor, F_GETFL)
        if isOwn, flags >= 0 { _ = fcntl(descriptor, F_SETFL, flags | O_APPEND) }
    }

    deinit { if isOwn { close(descriptor) } }

    /// Writes a line, without a line break at its end; what is beyond 4 KiB is cut off.
    package func write(_ line: String) {
        state.withLock { state in
            var lines = state.rest
            let kept = lines.count
            if state.dropped > 0 { lines += Array("(\(state.dropped) lines before this one were dropped)\n".utf8) }
            lines += line.utf8.prefix(Self.longest - 128)
            lines.append(UInt8(ascii: "\n"))
            let written = lines.withUnsafeBytes { send($0) }
            if written == lines.count {
                state = State()
            } else if written > kept {
                state = State(rest: Array(lines[written...]))
            } else {
                state.rest = Array(lines[written..<max(kept, written)])
                state.dropped += 1
            }
        }
    }

    /// How many of the bytes are taken now.
    private func send(_ bytes: UnsafeRawBufferPointer) -> Int {
        var written = Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL))
        if written < 0, errno == ENOTSOCK {
            var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            guard Glibc.poll(&poll, 1, 0) == 1, poll.revents & Int16(POLLOUT) != 0 else { return 0 }
            written = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
        }
        return max(0, written)
    }
}
