import CLinuxShims

/// How a process ended.
package enum ExitStatus: Equatable, Sendable {
    /// It ended by itself with this status.
    case exited(Int32)
    /// A signal ended it.
    case killed(Signal, coreDumped: Bool)

    init(_ status: linux_exit) {
        self =
            status.by_signal
            ? .killed(Signal(rawValue: status.value), coreDumped: status.core_dumped)
            : .exited(status.value)
    }

    package var isSuccess: Bool { self == .exited(0) }
}

extension ExitStatus: CustomStringConvertible {
    /// "exit 78", "killed by SIGKILL", "killed by SIGSEGV (core dumped)".
    package var description: String {
        switch self {
        case .exited(let status): "exit \(status)"
        case .killed(let signal, let coreDumped): "killed by \(signal)" + (coreDumped ? " (core dumped)" : "")
        }
    }
}
