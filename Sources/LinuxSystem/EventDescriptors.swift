import CLinuxShims
import Glibc

/// A flag that any thread may raise and that an event loop sees as a readable descriptor.
package struct EventDescriptor: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor

    package init() throws(SystemError) {
        descriptor = OwnedDescriptor(try checked("eventfd", linux_event_create()))
    }

    package var rawValue: Int32 { descriptor.rawValue }

    package borrowing func signal() throws(SystemError) {
        try checked("write event", linux_counter_add(descriptor.rawValue, 1))
    }

    /// Lowers the flag; true when it was raised.
    package borrowing func acknowledge() throws(SystemError) -> Bool {
        try checked("read event", linux_counter_read(descriptor.rawValue)) > 0
    }
}

/// Signals of the process as a readable descriptor.
///
/// Make it in the first thread, before any other starts: it blocks the signals there, and later threads inherit that.
package struct SignalDescriptor: ~Copyable {
    package let descriptor: OwnedDescriptor

    /// A signal that arrived.
    package struct Received: Equatable, Sendable {
        package var signal: Signal
        /// The process that sent it; 0 when the kernel did.
        package var sender: Int32
    }

    package init(_ signals: [Signal]) throws(SystemError) {
        let numbers = signals.map(\.rawValue)
        descriptor = OwnedDescriptor(try checked("signalfd", linux_signal_descriptor(numbers, numbers.count)))
    }

    package var rawValue: Int32 { descriptor.rawValue }

    /// The next pending signal, or nil when there is none.
    package borrowing func next() throws(SystemError) -> Received? {
        var number: Int32 = 0
        var sender: Int32 = 0
        let found = try checked("read signal", linux_signal_next(descriptor.rawValue, &number, &sender))
        return found == 0 ? nil : Received(signal: Signal(rawValue: number), sender: sender)
    }
}
