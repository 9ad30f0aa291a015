import CLinuxShims
import Glibc
package import Time

/// The service manager that started this process, such as systemd: it is told how the service fares, wants signs of life, and
/// may pass the socket to serve on. All of that by environment variables and datagrams, as sd_notify(3),
/// sd_watchdog_enabled(3) and sd_listen_fds(3) say; without the variables nobody is told anything.
package struct ServiceManager: ~Copyable {
    /// The path of its socket, or an abstract name behind an '@'.
    private let name: String?
    private let socket: OwnedDescriptor?
    private let socketNumber: Int32
    /// Between two signs of life; nil when none are wanted.
    private let interval: Duration?
    private var signAt: Deadline
    /// What it had no room for, the first first.
    private var waiting: [String] = []
    private var retryAt = Deadline.never
    /// LISTEN_FDS, until it is taken.
    private var passed: String?
    private let firstPassed: Int32

    /// What has a WATCHDOG_PID or LISTEN_PID that is not this process's is meant for another, and passed over.
    ///
    /// - Parameter firstPassed: the first descriptor that was passed, if any was.
    package init(
        environment: [String: String],
        at now: Instant,
        firstPassed: Int32 = 3
    ) throws(SystemError) {
        let own = "\(getpid())"
        name = environment["NOTIFY_SOCKET"]
        if let name {
            guard name.hasPrefix("/") || name.hasPrefix("@") else {
                let hint = "NOTIFY_SOCKET should be an absolute path, or a name behind an '@'."
                throw SystemError("notify", EAFNOSUPPORT, path: name, hint: hint)
            }
            let opened = OwnedDescriptor(try checked("socket", linux_datagram_socket()))
            socketNumber = opened.rawValue
            socket = consume opened
        } else {
            socketNumber = -1
            socket = nil
        }
        var interval: Duration?
        if let limit = environment["WATCHDOG_USEC"].flatMap({ Int64($0) }), limit > 0, name != nil,
            environment["WATCHDOG_PID", default: own] == own
        {
            interval = .microseconds(limit) / 2
        }
        self.interval = interval
        signAt = interval == nil ? .never : .at(now)
        passed = environment["LISTEN_PID"] == own ? environment["LISTEN_FDS"] : nil
        self.firstPassed = firstPassed
    }

    /// Whether a socket to serve on was passed to this process.
    package static func passesSocket(_ environment: [String: String]) -> Bool {
        environment["LISTEN_PID"] == "\(getpid())" && environment["LISTEN_FDS", default: "0"] != "0"
    }

    /// The socket that was passed to serve on; nil when none was, or when it was taken.
    package mutating func takeListener() throws(SystemError) -> UnixListener? {
        guard let passed, passed != "0" else { return nil }
        self.passed = nil
        guard passed == "1" else {
            let hint = "LISTEN_FDS should be 1: one socket is served, so keep one ListenStream=."
            throw SystemError("serve on \(passed) passed descriptors", EINVAL, hint: hint)
        }
        try retrying("serve on the passed descriptor \(firstPassed)") { fcntl(firstPassed, F_SETFD, FD_CLOEXEC) }
        return try UnixListener(adopting: OwnedDescriptor(firstPassed))
    }

    /// When `attend` is due.
    package var deadline: Deadline { min(signAt, retryAt) }

    /// Tells it something: lines of `KEY=value`. What it has no room for is told by `attend`; this never waits.
    ///
    /// - Throws: when it cannot be told, and never will be.
    package mutating func tell(_ message: String, at now: Instant) throws(SystemError) {
        guard name != nil else { return }
        // Only the last sentence about the service is shown, and one sign of life is as good as two.
        for key in ["STATUS=", "WATCHDOG="] where message.hasPrefix(key) { waiting.removeAll { $0.hasPrefix(key) } }
        waiting.append(message)
        try send(at: now)
    }

    /// Gives the sign of life that is due, and tells what has waited.
    package mutating func attend(at now: Instant) throws(SystemError) {
        if let interval, signAt.isDue(at: now) {
            signAt = .at(now + interval)
            return try tell("WATCHDOG=1", at: now)
        }
        if retryAt.isDue(at: now) { try send(at: now) }
    }

    private mutating func send(at now: Instant) throws(SystemError) {
        guard let name else { return }
        retryAt = .never
        while let message = waiting.first {
            let bytes = Array(message.utf8)
            let sent = linux_send_datagram(socketNumber, name, bytes, bytes.count)
            if sent == -Int(EAGAIN) { return retryAt = .at(now + .milliseconds(50)) }
            waiting.removeFirst()
            try checked("notify", path: name, sent)
        }
    }
}
