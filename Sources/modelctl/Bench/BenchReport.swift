import JSON
import ModelClient

/// What a bench found, for people and for scripts.
struct BenchReport: JSONWritable {
    var model: String
    var task: BenchTask
    var connections: Int
    var concurrency: Int
    var elapsed: Duration
    var measurements: Measurements
    /// Whether answers were compared with quiet ones.
    var verified: Bool

    private var seconds: Double { max(elapsed / .seconds(1), 1e-9) }
    private var requestsPerSecond: Double { Double(measurements.requests) / seconds }
    private var tokensPerSecond: Double { Double(measurements.tokens) / seconds }

    /// One line of JSON.
    var json: String {
        let latency = Distribution(microseconds: measurements.latencies)
        func median(_ values: [UInt32]) -> Double? { Distribution(microseconds: values).percentile(50) }
        let errors = measurements.errors.sorted { $0.key < $1.key }.map {
            (key: $0.key, value: $0.value as any JSONWritable)
        }
        return JSONText.object([
            "requests": measurements.requests, "errors": measurements.failures,
            "mismatches": verified ? measurements.mismatches : nil as Int?,
            "requests_per_second": requestsPerSecond, "tokens_per_second": tokensPerSecond,
            "p50_ms": latency.percentile(50), "p90_ms": latency.percentile(90), "p99_ms": latency.percentile(99),
            "max_ms": latency.percentile(100), "engine_p50_ms": median(measurements.compute),
            "queue_p50_ms": median(measurements.queue), "overhead_p50_ms": median(measurements.overhead),
            "tokens": measurements.tokens, "seconds": seconds, "connections": connections,
            "concurrency": concurrency, "model": model, "task": task.rawValue,
            "errors_by_code": JSONText.object(errors), "first_mismatch": measurements.firstMismatch,
        ]).json
    }

    /// A few lines.
    var lines: [String] {
        let latency = Distribution(microseconds: measurements.latencies)
        func milliseconds(_ value: Double?) -> String { value.map { HumanText.fixed($0, 3) } ?? "-" }
        func median(_ values: [UInt32]) -> String { milliseconds(Distribution(microseconds: values).percentile(50)) }
        let calls = "\(connections) \(connections == 1 ? "connection" : "connections") × \(concurrency) in flight"
        let rates =
            "\(HumanText.fixed(requestsPerSecond, 1)) requests/s, \(HumanText.grouped(Int(tokensPerSecond))) tokens/s"
        var lines = [
            Style.bold(
                "\(task.rawValue) with \(HumanText.printable(model)): \(calls), \(HumanText.fixed(seconds, 1)) s"
            ),
            "",
            "requests    \(HumanText.grouped(measurements.requests)) answered, "
                + "\(HumanText.grouped(measurements.failures)) failed",
            "throughput  \(rates)",
            "latency     p50 \(milliseconds(latency.percentile(50)))  p90 \(milliseconds(latency.percentile(90)))  "
                + "p99 \(milliseconds(latency.percentile(99)))  max \(milliseconds(latency.percentile(100))) ms",
            "at p50      computing \(median(measurements.compute)) ms, all else \(median(measurements.overhead)) ms, "
                + "of which queue \(median(measurements.queue)) ms",
        ]
        if measurements.mismatches > 0 {
            let first = HumanText.printable(measurements.firstMismatch ?? "")
            let count = HumanText.grouped(measurements.mismatches)
            lines.append(Style.red("differed    \(count) from the quiet answers, the first: \(first)"))
        } else if verified, measurements.requests > 0 {
            lines.append("verified    each answer is the quiet one, bit for bit")
        }
        for (code, count) in measurements.errors.sorted(by: { $0.key < $1.key }) {
            let message = HumanText.printable(measurements.messages[code] ?? "")
            lines.append(Style.red("failed      \(HumanText.grouped(count)) × \(code), such as: \(message)"))
        }
        return lines
    }
}
