import Messages

/// One call as the program's tracing and metrics see it, from before it is sent until its outcome is known.
///
/// Each of the two is a type of its own, which is empty, does nothing and costs nothing without its package trait.
struct CallObserver: Sendable {
    private let span: CallSpan
    private let metrics: CallMetrics

    /// The call begins, on the caller's task. Tracing may write its context into the request.
    ///
    /// - Parameter socket: the path of the server's socket.
    init(_ request: inout Request, to socket: String) {
        span = CallSpan(&request, to: socket)
        metrics = CallMetrics(request)
    }

    /// Its connection was lost, and it waits to be sent again.
    func waitsAgain() {
        span.waitsAgain()
        metrics.waitsAgain()
    }

    /// The call has ended, once.
    func ended(_ outcome: Result<Response, ModelClientError>) {
        span.ended(outcome)
        metrics.ended(outcome)
    }
}

extension Result<Response, ModelClientError> {
    /// The status that a call ended with.
    var status: StatusCode {
        switch self {
        case .success: .ok
        case .failure(let error): error.code.status
        }
    }
}

extension Request {
    /// The method's service and its name there: `inference.v1.Inference` and `Classify`.
    var methodNames: (service: String, method: String) {
        guard let slash = method.lastIndex(of: "/") else { return ("", method) }
        return (String(method[..<slash]), String(method[method.index(after: slash)...]))
    }
}
