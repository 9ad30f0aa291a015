package import Messages

/// A terminal answer that the supervisor gives by itself, without a worker's result.
package struct Refusal: Error, Equatable {
    package var code: StatusCode
    package var message: String
    /// When the same request may succeed, if that can be told.
    package var retryAfter: Duration?

    package init(_ code: StatusCode, _ message: String, retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }
}
