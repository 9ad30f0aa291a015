/// Why a request was not answered. `message` begins with the name of the field at fault, as the wire format has it.
package struct TaskError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The request is at fault.
        case invalidArgument
        /// No model does that.
        case unsupported
        /// Nobody waits for the answer any more.
        case abandoned
        /// The worker is at fault.
        case `internal`
    }

    package let kind: Kind
    package let message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// `field` cannot be as it is.
    static func invalid(_ field: String, _ reason: String) -> TaskError {
        TaskError(.invalidArgument, "\(field): \(reason)")
    }

    package var description: String { message }
}
