import CLinuxShims
import Glibc

/// A signal by its number.
package struct Signal: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    package let rawValue: Int32

    package init(rawValue: Int32) { self.rawValue = rawValue }

    package static let hangUp = Signal(rawValue: SIGHUP)
    package static let interrupt = Signal(rawValue: SIGINT)
    package static let abort = Signal(rawValue: SIGABRT)
    package static let kill = Signal(rawValue: SIGKILL)
    package static let segmentationFault = Signal(rawValue: SIGSEGV)
    package static let terminate = Signal(rawValue: SIGTERM)
    package static let stop = Signal(rawValue: SIGSTOP)
    package static let resume = Signal(rawValue: SIGCONT)
    package static let user1 = Signal(rawValue: SIGUSR1)
    package static let child = Signal(rawValue: SIGCHLD)

    /// "SIGKILL".
    package var description: String {
        linux_signal_name(rawValue).map { "SIG\(String(cString: $0))" } ?? "signal \(rawValue)"
    }
}
