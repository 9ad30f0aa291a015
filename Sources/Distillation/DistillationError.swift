/// Why a command of `distill` did not do what it was asked.
package struct DistillationError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What scripts tell apart by the exit status.
    package enum Kind: Int32, Sendable, Hashable {
        /// The work failed: a file cannot be read, the numbers are not finite, the disk is full.
        case failed = 1
        /// The command line or the configuration asks for what cannot be.
        case usage = 2
        /// The model is worse than the least that was asked for.
        case belowFloor = 3
    }

    package let kind: Kind
    /// What is wrong, where, and what to do.
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    package static func failed(_ message: String) -> DistillationError { DistillationError(.failed, message) }
    package static func usage(_ message: String) -> DistillationError { DistillationError(.usage, message) }

    /// The exit status of the command.
    package var exitStatus: Int32 { kind.rawValue }
    package var description: String { message }
}
