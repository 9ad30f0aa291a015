import Messages

/// What a line of the log calls a request: its name in the supervisor's log, and the client's span where it has one.
struct RequestNames: CustomStringConvertible {
    let number: UInt64
    private let name: String
    private let traceparent: String

    init(_ request: ToWorker.Prepare) {
        (number, name, traceparent) = (request.requestID, request.name, request.traceparent)
    }

    var description: String {
        let names = name.isEmpty ? "request \(number)" : "request \(quoted(name))"
        return traceparent.isEmpty ? names : names + ", traceparent \(quoted(traceparent))"
    }

    /// A client's bytes on one line, with an end.
    private func quoted(_ text: String) -> String {
        String(decoding: text.utf8.prefix(128), as: UTF8.self).debugDescription
    }
}
