package import Messages

/// Why bytes were refused, or a message could not be encoded.
package struct WireError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Kind: Sendable, Equatable {
        /// The bytes are not a message of this schema.
        case malformed
        /// A text field is not UTF-8.
        case invalidText
        /// A value that the schema allows but the protocol does not: an enum's unknown value, a bad model reference.
        case invalidValue
        /// The frame, or what unpacking it would take, is beyond a limit.
        case tooLarge
        /// No memory.
        case outOfMemory
    }

    package var kind: Kind
    /// The field, with its path and indices from the decoded message on, as in `inputs[2].text`; empty when the
    /// whole message is meant.
    package var field: String
    /// What is wrong, without the field.
    package var reason: String

    package init(_ kind: Kind, field: String = "", _ reason: String) {
        self.kind = kind
        self.field = field
        self.reason = reason
    }

    /// One sentence for people.
    package var message: String { field.isEmpty ? reason : "\(field): \(reason)" }

    package var description: String { message }

    /// The status to answer with.
    package var status: StatusCode {
        switch kind {
        case .malformed, .invalidText, .invalidValue: .invalidArgument
        case .tooLarge, .outOfMemory: .resourceExhausted
        }
    }

    /// The same error, seen from the message that holds the field `outer`.
    func inside(_ outer: String) -> WireError {
        WireError(kind, field: field.isEmpty ? outer : "\(outer).\(field)", reason)
    }
}
