package import Messages

/// A terminal answer that the supervisor gives by itself, without a worker's result.
package struct Refusal: Error, Equatable {
    package var code: StatusCode
    package var message: String
    /// When the same request may succeed, if that can be told.
    package var retryAfter: Duration?
    /// Set when there was too much to do.
    package var shed: Shed?

    package init(_ code: StatusCode, _ message: String, retryAfter: Duration? = nil, shed: Shed? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.shed = shed
    }
}

/// Why a request was refused that could have been computed if there were fewer.
package enum Shed: String, CaseIterable, Sendable {
    /// The model's queue has no place left.
    case queueFull = "queue_full"
    /// Its place in a full queue went to a client that has fewer.
    case share
    /// It would be computed too late.
    case deadline
    /// Too little is left of the memory budget.
    case bytes
}
