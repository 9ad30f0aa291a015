import Glibc

/// What one read or write achieved.
package enum TransferResult: Equatable, Sendable {
    /// This many bytes were moved; at least one, unless none was asked for.
    case bytes(Int)
    /// Nothing can be moved now; wait until the descriptor is ready.
    case wouldBlock
    /// The other end is gone: end of file for a reader, EPIPE or ECONNRESET for either. This is not an error.
    case closed
}

extension TransferResult {
    /// Interprets the result of a read: a count, 0 at the end of the file, or a negated error number.
    static func ofRead(_ operation: String, wanted: Int, _ call: () -> Int) throws(SystemError) -> TransferResult {
        let count = call()
        if count == 0 && wanted > 0 { return .closed }
        return try ofCall(operation, count)
    }

    /// Interprets the result of a write: a count or a negated error number.
    static func ofWrite(_ operation: String, _ call: () -> Int) throws(SystemError) -> TransferResult {
        try ofCall(operation, call())
    }

    private static func ofCall(_ operation: String, _ count: Int) throws(SystemError) -> TransferResult {
        guard count < 0 else { return .bytes(count) }
        switch Int32(-count) {
        case EAGAIN: return .wouldBlock
        case EPIPE, ECONNRESET: return .closed
        case let error: throw SystemError(operation, error)
        }
    }
}
