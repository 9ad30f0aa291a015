/// What is read of an HTTP request, and answered to it: `GET /metrics`, and nothing else.
package enum MetricsPage {
    /// Of a request's head.
    static let headLimit = 8 << 10

    package enum Request: Equatable, Sendable {
        case metrics
        /// Answered with this status.
        case refused(Int)
    }

    /// - Parameter head: the first bytes of a connection.
    /// - Returns: nil while the head is not whole.
    package static func request(_ head: [UInt8]) -> Request? {
        let text = String(decoding: head, as: UTF8.self)
        guard text.contains("\r\n\r\n") || text.contains("\n\n") else {
            return head.count < headLimit ? nil : .refused(431)
        }
        let line = text.prefix { !$0.isNewline }.split(separator: " ", omittingEmptySubsequences: false)
        guard line.count == 3, line[2].hasPrefix("HTTP/1.") else { return .refused(400) }
        guard line[1].prefix(while: { $0 != "?" }) == "/metrics" else { return .refused(404) }
        return line[0] == "GET" ? .metrics : .refused(405)
    }

    /// The whole answer, after which the connection ends.
    package static func answer(_ status: Int, _ body: [UInt8]) -> [UInt8] {
        let lines = [
            "HTTP/1.1 \(status) \(reasons[status] ?? "Error")",
            "Content-Type: text/plain; version=0.0.4; charset=utf-8",
            "Content-Length: \(body.count)",
            "Connection: close",
        ]
        let allowed = status == 405 ? ["Allow: GET"] : []
        return Array((lines + allowed + ["", ""]).joined(separator: "\r\n").utf8) + body
    }

    /// An answer without metrics.
    static func refusal(_ status: Int) -> [UInt8] { answer(status, Array("\(reasons[status] ?? "Error")\n".utf8)) }

    private static let reasons = [
        200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed",
        431: "Request Header Fields Too Large", 503: "Service Unavailable",
    ]
}
