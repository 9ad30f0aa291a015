/// Where the metrics are shown by HTTP: a place that only processes of this machine reach.
package enum MetricsAddress: Equatable, Sendable, CustomStringConvertible {
    /// 127.0.0.1.
    case loopback(port: UInt16)
    /// A socket at this path.
    case unix(String)

    /// - Parameter text: `127.0.0.1:9464`, or `unix:/run/modeld/metrics.sock`.
    package init?(_ text: String) {
        if text.hasPrefix("unix:"), text.utf8.count > 5 {
            self = .unix(String(text.dropFirst(5)))
        } else if text.hasPrefix("127.0.0.1:"), let port = UInt16(text.dropFirst(10)), port > 0 {
            self = .loopback(port: port)
        } else {
            return nil
        }
    }

    package var description: String {
        switch self {
        case .loopback(let port): "127.0.0.1:\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
