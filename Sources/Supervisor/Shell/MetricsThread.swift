import Glibc
import LinuxSystem
import Time

/// Answers a few connections at a time, one request each, and waits for none of them.
final class MetricsThread {
    private final class Connection {
        let stream: UnixStream
        /// By which the request must be there, then the text, then the reader.
        var deadline: Instant
        var head: [UInt8] = []
        var isWaiting = false
        var output: ArraySlice<UInt8> = []

        init(_ stream: consuming UnixStream, until deadline: Instant) {
            self.stream = stream
            self.deadline = deadline
        }
    }

    /// Others wait to be accepted.
    private static let connectionLimit = 4
    private static let timeout = Duration.seconds(1)

    private let socket: MetricsSocket
    private let wake: UnixStream
    private let text: MetricsText
    private var connections: [Connection] = []
    private var acceptAt = Instant.start

    init(_ socket: consuming MetricsSocket, wake: consuming UnixStream, _ text: MetricsText) {
        self.socket = socket
        self.wake = wake
        self.text = text
    }

    func run() {
        while !text.isOver {
            wait()
            let now = MonotonicClock.now
            clearWake()
            accept(at: now)
            connections.removeAll { !goesOn($0, at: now) }
        }
    }

    /// Until something can be done, or a deadline is over.
    private func wait() {
        let now = MonotonicClock.now
        let isFull = connections.count >= Self.connectionLimit || now < acceptAt
        var polled = [
            pollfd(fd: wake.rawValue, events: Int16(POLLIN), revents: 0),
            pollfd(fd: isFull ? -1 : socket.rawValue, events: Int16(POLLIN), revents: 0),
        ]
        for connection in connections where !connection.isWaiting {
            let events = connection.output.isEmpty ? POLLIN : POLLOUT
            polled.append(pollfd(fd: connection.stream.rawValue, events: Int16(events), revents: 0))
        }
        let due = connections.map(\.deadline) + (now < acceptAt ? [acceptAt] : [])
        let left = due.min().map { Int32(clamping: max(.zero, $0 - now).milliseconds + 1) }
        _ = poll(&polled, nfds_t(polled.count), left ?? -1)
    }

    private func clearWake() {
        var bytes: UInt64 = 0
        _ = withUnsafeMutableBytes(of: &bytes) { try? wake.read(into: $0) }
    }

    private func accept(at now: Instant) {
        guard now >= acceptAt else { return }
        do throws(SystemError) {
            while connections.count < Self.connectionLimit {
                guard let stream = try socket.accept() else { return }
                try stream.setNonBlocking(true)
                connections.append(Connection(stream, until: now + Self.timeout))
            }
        } catch {
            // No descriptor is free: whoever waits goes on waiting.
            acceptAt = now + Self.timeout
        }
    }

    /// Does what can be done for a connection; false when it is over.
    private func goesOn(_ connection: Connection, at now: Instant) -> Bool {
        if connection.output.isEmpty, !connection.isWaiting, !read(connection, at: now) { return false }
        if connection.isWaiting {
            if let text = text.text(at: now) {
                begin(MetricsPage.answer(200, text), to: connection, at: now)
            } else if now >= connection.deadline {
                begin(MetricsPage.refusal(503), to: connection, at: now)
            }
        }
        return write(connection) && now < connection.deadline
    }

    private func begin(_ output: [UInt8], to connection: Connection, at now: Instant) {
        (connection.output, connection.isWaiting, connection.deadline) = (output[...], false, now + Self.timeout)
    }

    private func read(_ connection: Connection, at now: Instant) -> Bool {
        let room = MetricsPage.headLimit - connection.head.count
        var result: TransferResult?
        let bytes = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            result = try? connection.stream.read(into: UnsafeMutableRawBufferPointer(buffer))
            if case .bytes(let read)? = result { count = read }
        }
        guard case .bytes? = result else { return result == .wouldBlock }
        connection.head += bytes
        switch MetricsPage.request(connection.head) {
        case .metrics?:
            text.ask(at: now)
            (connection.isWaiting, connection.deadline) = (true, now + Self.timeout)
        case .refused(let status)?: begin(MetricsPage.refusal(status), to: connection, at: now)
        case nil: break
        }
        return true
    }

    /// - Returns: whether something is left to do.
    private func write(_ connection: Connection) -> Bool {
        guard !connection.output.isEmpty else { return true }
        let result = connection.output.withUnsafeBytes { try? connection.stream.write($0) }
        guard case .bytes(let count)? = result else { return result == .wouldBlock }
        connection.output = connection.output.dropFirst(count)
        return !connection.output.isEmpty
    }
}
