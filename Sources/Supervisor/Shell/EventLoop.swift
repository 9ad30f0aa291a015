import LinuxSystem
import Time

/// What the server waits for. Who owns a descriptor enters it here under a token.
final class EventLoop {
    private let epoll: Epoll
    private(set) var ready = EventBuffer(capacity: 256)
    /// What all streams read into.
    var room = [UInt8](repeating: 0, count: 64 << 10)

    init() throws(SystemError) { epoll = try Epoll() }

    func watch(_ descriptor: Int32, as token: Token) throws(SystemError) {
        try epoll.add(descriptor, token: token.value, interest: .readable)
    }

    func change(_ descriptor: Int32, as token: Token, to interest: Readiness) {
        try? epoll.modify(descriptor, token: token.value, interest: interest)
    }

    func forget(_ descriptor: Int32) { try? epoll.remove(descriptor) }

    /// Waits until something is `ready`, or until then.
    func wait(until deadline: Deadline) throws(SystemError) { try epoll.wait(into: &ready, until: deadline) }
}

extension Readiness {
    /// Whether the peer is gone, and not only through with what it sends.
    var isOver: Bool { rawValue & Readiness([.hangUp, .error]).rawValue != 0 }

    /// Whether a read finds something: bytes, the end, or an error.
    var isWorthReading: Bool {
        rawValue & Readiness([.readable, .hangUp, .error, .peerClosed]).rawValue != 0
    }
}

/// What an epoll event is about: the kind in the highest byte, a number in the others.
enum Token {
    case listener
    case signals
    case client(ClientID)
    case channel(WorkerID)
    case process(WorkerID)

    private static let shift: UInt64 = 56

    var value: UInt64 {
        switch self {
        case .listener: 0
        case .signals: 1 << Self.shift
        case .client(let id): 2 << Self.shift | id.value
        case .channel(let id): 3 << Self.shift | id.value
        case .process(let id): 4 << Self.shift | id.value
        }
    }

    init(_ value: UInt64) {
        let number = value & (1 << Self.shift - 1)
        switch value >> Self.shift {
        case 0: self = .listener
        case 1: self = .signals
        case 2: self = .client(ClientID(number))
        case 3: self = .channel(WorkerID(number))
        default: self = .process(WorkerID(number))
        }
    }
}
