import CLinuxShims
import Glibc
package import Time

/// What a descriptor is ready for.
package struct Readiness: OptionSet, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    /// A read would not block.
    package static let readable = Readiness(rawValue: EPOLLIN.rawValue)
    /// A write would not block.
    package static let writable = Readiness(rawValue: EPOLLOUT.rawValue)
    /// An error is pending; reported whether asked for or not.
    package static let error = Readiness(rawValue: EPOLLERR.rawValue)
    /// Both directions are closed; reported whether asked for or not.
    package static let hangUp = Readiness(rawValue: EPOLLHUP.rawValue)
    /// The peer has ended its sending direction.
    package static let peerClosed = Readiness(rawValue: EPOLLRDHUP.rawValue)
}

/// Waits for many descriptors at once. A descriptor that is closed leaves the set by itself.
package struct Epoll: ~Copyable {
    private let descriptor: OwnedDescriptor

    package init() throws(SystemError) {
        descriptor = OwnedDescriptor(try checked("epoll_create", linux_epoll_create()))
    }

    /// Adds a descriptor; `token` comes back with each of its events.
    package borrowing func add(_ fd: Int32, token: UInt64, interest: Readiness) throws(SystemError) {
        try control("epoll add", EPOLL_CTL_ADD, fd, token, interest)
    }

    /// Replaces token and interest of a descriptor of the set.
    package borrowing func modify(_ fd: Int32, token: UInt64, interest: Readiness) throws(SystemError) {
        try control("epoll modify", EPOLL_CTL_MOD, fd, token, interest)
    }

    package borrowing func remove(_ fd: Int32) throws(SystemError) {
        try control("epoll remove", EPOLL_CTL_DEL, fd, 0, [])
    }

    /// Waits until something is ready and puts the events in the buffer, replacing what it held.
    ///
    /// - Parameter deadline: when the wait ends at the latest. The buffer is empty then, or when a signal was handled by the
    ///   thread.
    package borrowing func wait(into events: inout EventBuffer, until deadline: Deadline = .never) throws(SystemError) {
        let timeout =
            switch deadline {
            case .at(let instant): max(0, (instant - MonotonicClock.now).nanoseconds)
            case .never: Int64(-1)
            }
        events.count = 0
        let result = events.storage.withUnsafeMutableBufferPointer { buffer in
            linux_epoll_wait(descriptor.rawValue, buffer.baseAddress!, Int32(buffer.count), timeout)
        }
        events.count = Int(try checked("epoll_wait", result))
    }

    private borrowing func control(
        _ name: String,
        _ operation: Int32,
        _ fd: Int32,
        _ token: UInt64,
        _ interest: Readiness
    ) throws(SystemError) {
        try checked(name, linux_epoll_control(descriptor.rawValue, operation, fd, interest.rawValue, token))
    }
}

/// One descriptor that became ready.
package struct ReadyEvent: Equatable, Sendable {
    package var token: UInt64
    package var readiness: Readiness

    package init(token: UInt64, readiness: Readiness) {
        self.token = token
        self.readiness = readiness
    }
}

/// The events of one wait; reused from wait to wait, so that a loop does not allocate.
package struct EventBuffer: RandomAccessCollection {
    fileprivate var storage: [linux_event]
    package fileprivate(set) var count = 0

    /// - Parameter capacity: the most events of one wait, 1 to 256.
    package init(capacity: Int = 64) {
        storage = Array(repeating: linux_event(token: 0, readiness: 0), count: Swift.min(Swift.max(capacity, 1), 256))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { count }

    package subscript(index: Int) -> ReadyEvent {
        precondition(index < count, "event \(index) of \(count)")
        return ReadyEvent(token: storage[index].token, readiness: Readiness(rawValue: storage[index].readiness))
    }
}
