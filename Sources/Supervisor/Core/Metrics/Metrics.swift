import Messages
import Time

/// The tables of what `modelctl metrics` shows.
enum Metrics {
    /// Of each answer, per model. Apart from the others, for nothing happens as often.
    static let answers: [Metric<Answer>] = [
        .counter("inference_requests_total", "Requests that have their answer, by status.", by: statuses) {
            Int($0.status.rawValue)
        },
        .counter("slow_requests_total", "Of these, those that took longer than slow_request_microseconds.") {
            $0.isSlow ? 0 : nil
        },
        .counter(
            "shed_requests_total",
            "Of these, those for which there was no time or no room, by reason.",
            by: reasons
        ) {
            $0.shed.flatMap { Shed.allCases.firstIndex(of: $0) }
        },
        .seconds("request_duration_seconds", "From a request's arrival to its answer.") {
            Int(clamping: $0.after.microseconds)
        },
        .seconds("queue_duration_seconds", "Of this, until its batch began, where a worker answered.") {
            $0.timings.map { Int(clamping: $0.queueMicroseconds) }
        },
        .seconds("tokenization_duration_seconds", "Of this, in which its tokens were made.") {
            $0.timings.map { Int(clamping: $0.tokenizationMicroseconds) }
        },
        .seconds("inference_duration_seconds", "Of this, in which its batch was computed.") {
            $0.timings.map { Int(clamping: $0.computeMicroseconds) }
        },
        .sizes("batch_size", "Requests in the batch of a request.") { $0.timings.map { Int($0.batchRequests) } },
        .sizes("batch_tokens", "Tokens in the batch of a request.") { $0.timings.map { Int($0.batchTokens) } },
    ]

    /// Of other happenings, per model.
    static let models: [Metric<Happening>] = [
        .counter("requests_replayed_total", "Times that a request was computed again.") {
            if case .replayed = $0 { 0 } else { nil }
        },
        .counter("requests_quarantined_total", "Requests that have ended two workers.") {
            if case .quarantined = $0 { 0 } else { nil }
        },
        .counter("model_loads_total", "Generations that have begun to serve.") {
            if case .serving(_, _, isAgain: false) = $0 { 0 } else { nil }
        },
        .counter("model_load_failures_total", "Loads and reloads that failed.") {
            if case .notLoaded = $0 { 0 } else { nil }
        },
        .counter("model_outages_total", "Times at which nobody was left to answer.") {
            if case .unavailable = $0 { 0 } else { nil }
        },
        .counter("worker_deaths_total", "Workers that ended and should not have.") {
            if case .workerEnded(_, let end) = $0, !end.isExpected { 0 } else { nil }
        },
        .counter("worker_restarts_total", "Times that a worker's place had to be filled again, by cause.", by: causes) {
            guard case .workerEnded(_, let end) = $0, !end.isExpected else { return nil }
            return ends.firstIndex { end.end.hasPrefix($0.text) } ?? 0
        },
        .counter("worker_stalls_total", "Of these, those that did not go on.") {
            if case .workerStuck = $0 { 0 } else { nil }
        },
        .counter("failed_proofs_total", "Instruction sets with which this CPU computes wrongly.") {
            if case .proofFailed = $0 { 0 } else { nil }
        },
        .counter("damaged_packs_total", "Packs that were made again.") {
            if case .packDamaged = $0 { 0 } else { nil }
        },
        .seconds("model_load_duration_seconds", "From the start of a worker's loading until it was ready.") {
            if case .workerReady(_, let time) = $0 { Int(clamping: time.microseconds) } else { nil }
        },
    ]

    /// Of the server as a whole.
    static let server: [Metric<Happening>] = [
        .counter("refusals_total", "What was turned away before it was a request to a model.", by: refusals) {
            guard case .refused(let what, let refusal, _) = $0 else { return nil }
            return Refused.allCases.firstIndex(of: what).map { $0 * statuses.count + Int(refusal.code.rawValue) }
        },
        .counter("dropped_clients_total", "Clients that did not read their answers.") {
            if case .clientDoesNotRead = $0 { 0 } else { nil }
        },
    ]

    /// What is measured when it is asked for.
    static let gauges: [Gauge] = [
        Gauge("info", "The server's version.") { [([("version", $0.version)], 1)] },
        Gauge("uptime_seconds", "Since the server's start.") { [([], $0.uptimeSeconds)] },
        Gauge("connections", "Clients that are connected.") { [([], UInt64($0.connections))] },
        Gauge("memory_bytes", "The server's own memory, shared pages divided by those that share them.") {
            [([], $0.pssBytes)]
        },
        Gauge("buffered_bytes", "Bytes of requests and answers on their way.") { [([], $0.bufferedBytes)] },
        Gauge("memory_budget_bytes", "The most of these.") { [([], $0.memoryBudget)] },
        Gauge("drained", "Whether the operator has drained the server.") {
            [([], $0.state == ServerState.drained.name ? 1 : 0)]
        },
        Gauge("model_drained", "Whether the operator has drained a model.") { status in
            status.models.map { ($0.labels, $0.drained ? 1 : 0) }
        },
        Gauge("model_ready", "Whether a model serves.") { status in
            status.models.map { ($0.labels, $0.state == ModelState.ready.name ? 1 : 0) }
        },
        Gauge("inference_pending_requests", "Requests that wait for their answer.") { status in
            status.models.flatMap {
                [
                    ($0.labels + [("state", "queued")], UInt64($0.queued)),
                    ($0.labels + [("state", "computing")], UInt64($0.computing)),
                ]
            }
        },
        Gauge("workers", "Workers, by what they are doing.") { status in
            status.models.flatMap { model in
                WorkerState.allCases.dropFirst().map { state in
                    (model.labels + [("state", state.name)], UInt64(model.workers.count { $0.state == state.name }))
                }
            }
        },
        Gauge("worker_memory_bytes", "Memory of a model's workers, shared pages divided by those that share them.") {
            $0.models.map { model in (model.labels, model.workers.reduce(0) { $0 + $1.pssBytes }) }
        },
        Gauge("worker_requests", "Requests that a worker has answered since its start.") { status in
            status.models.flatMap { model in
                model.workers.enumerated().map { index, worker in
                    let labels: Labels = [
                        ("worker", "\(index)"), ("slot", "\(worker.slot)"), ("numa_node", "\(worker.numaNode)"),
                    ]
                    return (model.labels + labels, worker.requests)
                }
            }
        },
    ]

    /// What the description of an end begins with.
    private static let ends: [(name: String, text: String)] = [
        ("exit", "exit "), ("signal", "killed by"), ("out_of_memory", "out of memory"),
    ]
    private static let causes: [Labels] = ends.map { [("cause", $0.name)] }
    private static let statuses: [Labels] = StatusCode.allCases.map { [("status", $0.name)] }
    private static let reasons: [Labels] = Shed.allCases.map { [("reason", $0.rawValue)] }
    private static let refusals = Refused.allCases.flatMap { what in statuses.map { [("what", what.rawValue)] + $0 } }
}

/// A number that is read off the status.
struct Gauge: Sendable {
    let name: String
    let text: String
    let values: @Sendable (StatusResponse) -> [(Labels, UInt64)]

    init(_ name: String, _ text: String, _ values: @escaping @Sendable (StatusResponse) -> [(Labels, UInt64)]) {
        (self.name, self.text, self.values) = (name, text, values)
    }
}

extension ModelStatus {
    fileprivate var labels: Labels { [("model", name), ("version", "\(version)"), ("variant", variant)] }
}
