/// Whether an environment variable is one of those that Kubernetes sets for a service, so that a Service
/// called `modeld`, or `modeld-x`, makes no settings: `…SERVICE_HOST`, `…SERVICE_PORT`, `…SERVICE_PORT_HTTP` (a port's name),
/// `…PORT` with a URL as its value, `…PORT_80_TCP`, and `…PORT_80_TCP_ADDR`, `_PORT` and `_PROTO`.
///
/// - Parameter name: what follows `MODELD_`.
func isServiceLink(_ name: Substring, _ value: String) -> Bool {
    let words = name.split(separator: "_", omittingEmptySubsequences: false)
    for (index, word) in words.enumerated() {
        let rest = words[(index + 1)...]
        if word == "SERVICE", rest.first == "HOST" ? rest.count == 1 : rest.first == "PORT" { return true }
        guard word == "PORT" else { continue }
        if rest.isEmpty, value.contains("://") { return true }
        let kinds: Set<Substring> = ["ADDR", "PORT", "PROTO"]
        if let number = rest.first, UInt16(number) != nil, ["TCP", "UDP", "SCTP"].contains(rest.dropFirst().first),
            rest.count == 2 || (rest.count == 3 && rest.last.map(kinds.contains) == true)
        {
            return true
        }
    }
    return false
}
