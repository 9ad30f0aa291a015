import Messages

/// What a line of the log calls a request: the supervisor's number, and the client's names of it where it has any.
struct RequestNames: CustomStringConvertible {
    let number: UInt64
    private let clientRequestID: String
    private let traceparent: String

    init(_ request: ToWorker.Prepare) {
        (number, clientRequestID, traceparent) = (request.requestID, request.clientRequestID, request.traceparent)
    }

    var description: String {
        var names = "request \(number)"
        if !clientRequestID.isEmpty { names += " \(quoted(clientRequestID))" }
        if !traceparent.isEmpty { names += ", traceparent \(quoted(traceparent))" }
        return names
    }

    /// A client's bytes on one line, with an end.
    private func quoted(_ text: String) -> String {
        String(decoding: text.utf8.prefix(128), as: UTF8.self).debugDescription
    }
}
