import Configuration
import Glibc
import LinuxSystem
import Time

/// Shows the metrics to whoever asks for them by HTTP: `GET /metrics` on 127.0.0.1 or on a Unix socket of its own.
///
/// It does so in a thread of its own, over text that the server's loop leaves here once a second while somebody asks. However
/// many ask, and however slowly they read, the loop has nothing to do with them.
final class MetricsListener {
    private let text = MetricsText()
    /// Wakes the thread.
    private let bell: UnixStream
    private var thread = pthread_t()

    /// - Throws: `SystemError` when the address cannot be listened on.
    init(_ address: MetricsAddress, socketMode: UInt32) throws(SystemError) {
        let socket = try MetricsSocket(address, mode: socketMode)
        let wires = try UnixStream.pair()
        try wires.first.setNonBlocking(true)
        try wires.second.setNonBlocking(true)
        bell = wires.first
        let body = MetricsThread(socket, wake: wires.second, text)
        let error = pthread_create(
            &thread,
            nil,
            { body in
                if let body { Unmanaged<MetricsThread>.fromOpaque(body).takeRetainedValue().run() }
                return nil
            },
            Unmanaged.passRetained(body).toOpaque()
        )
        guard error == 0 else { throw SystemError("start a thread", error) }
    }

    /// Whether somebody asks, and there is no text or what there is has grown old.
    func wantsText(at now: Instant) -> Bool { text.isDue(at: now) }

    func show(_ lines: String, at now: Instant) {
        text.update(Array(lines.utf8), at: now)
        ring()
    }

    /// Ends the thread, and with it every connection; the socket is gone then.
    func stop() {
        text.end()
        ring()
        pthread_join(thread, nil)
    }

    /// When it has not heard the last one yet, that is enough.
    private func ring() { _ = withUnsafeBytes(of: UInt8(1)) { try? bell.write($0) } }
}

/// What is listened on.
enum MetricsSocket: ~Copyable, Sendable {
    case loopback(LoopbackListener)
    case unix(UnixListener)

    init(_ address: MetricsAddress, mode: UInt32) throws(SystemError) {
        switch address {
        case .loopback(let port): self = .loopback(try LoopbackListener(port: port))
        case .unix(let path): self = .unix(try UnixListener(path: path, mode: mode, backlog: 16))
        }
    }

    var rawValue: Int32 {
        switch self {
        case .loopback(let listener): listener.rawValue
        case .unix(let listener): listener.rawValue
        }
    }

    borrowing func accept() throws(SystemError) -> UnixStream? {
        switch self {
        case .loopback(let listener): try listener.accept()
        case .unix(let listener): try listener.accept()
        }
    }
}
