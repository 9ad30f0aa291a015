import Messages

/// What is counted of what happens, for a model each: two tables, of which a row is all that there is to a number.
package struct Counters: Sendable {
    /// How many happenings of a kind there were.
    struct Count: Sendable {
        let name: String
        let text: String
        /// What is counted apart, such as a model; nil for what is not counted.
        let series: @Sendable (Happening) -> String?
    }

    /// How values of a kind are distributed.
    struct Histogram: Sendable {
        let name: String
        let text: String
        let value: @Sendable (Happening) -> (series: String, seconds: Double)?

        /// The upper bounds of the buckets, in seconds; what is larger is in a last one.
        static let bounds = [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30]
    }

    static let counts = [
        Count(name: "requests", text: "Requests that have their answer, by model and status.") {
            if case .answered(let request, let code, _, _, _) = $0 { "\(request.model) \(code.name)" } else { nil }
        },
        Count(name: "slow_requests", text: "Of these, those that took longer than slow_request_microseconds.") {
            if case .answered(let request, _, _, _, isSlow: true) = $0 { request.model } else { nil }
        },
        Count(name: "replays", text: "Requests that were computed again.") {
            if case .replayed(let request, _) = $0 { request.model } else { nil }
        },
        Count(name: "loads", text: "Generations that have begun to serve.") {
            if case .serving(let model, _) = $0 { model } else { nil }
        },
        Count(name: "failed_loads", text: "Loads and reloads that failed.") {
            if case .notLoaded(let model, _, _) = $0 { model } else { nil }
        },
        Count(name: "outages", text: "Times at which nobody was left to answer.") {
            if case .unavailable(let model, _) = $0 { model } else { nil }
        },
        Count(name: "worker_deaths", text: "Workers that ended and should not have.") {
            if case .workerEnded(let process, _, isExpected: false) = $0 { process.model ?? "" } else { nil }
        },
        Count(name: "stuck_workers", text: "Of these, those that did not go on.") {
            if case .workerStuck(let process, _) = $0 { process.model ?? "" } else { nil }
        },
        Count(name: "failed_proofs", text: "Instruction sets with which this CPU computes wrongly.") {
            if case .proofFailed(let process, _, _) = $0 { process.model ?? "" } else { nil }
        },
        Count(name: "damaged_packs", text: "Packs that were made again.") {
            if case .packDamaged(let model) = $0 { model } else { nil }
        },
        Count(name: "dropped_clients", text: "Clients that did not read their answers.") {
            if case .clientDoesNotRead = $0 { "" } else { nil }
        },
    ]

    static let histograms = [
        Histogram(name: "request_seconds", text: "From a request's arrival to its answer.") {
            if case .answered(let request, _, _, let time, _) = $0 { (request.model, time / .seconds(1)) } else { nil }
        },
        Histogram(name: "load_seconds", text: "Of a worker, until it was ready.") {
            if case .workerReady(let process, let time) = $0 { (process.model ?? "", time / .seconds(1)) } else { nil }
        },
    ]

    /// By row and series.
    private var counted = counts.map { _ in [String: UInt64]() }
    private var distributed = histograms.map { _ in [String: [UInt64]]() }

    package init() {}

    package mutating func note(_ happening: Happening) {
        for (row, count) in Self.counts.enumerated() {
            if let series = count.series(happening) { counted[row][series, default: 0] += 1 }
        }
        for (row, histogram) in Self.histograms.enumerated() {
            guard let (series, seconds) = histogram.value(happening) else { continue }
            let bounds = Histogram.bounds
            let bucket = bounds.firstIndex { seconds <= $0 } ?? bounds.count
            distributed[row][series, default: Array(repeating: 0, count: bounds.count + 1)][bucket] += 1
        }
    }

    /// Every number that is not 0, as `name{series} value`: the counts, and the buckets of the histograms.
    package var lines: [String] {
        let counts = zip(Self.counts, counted).flatMap { row, series in
            Self.lines(row.name, row.text, series.mapValues { "\($0)" })
        }
        let histograms = zip(Self.histograms, distributed).flatMap { row, series in
            Self.lines(row.name, row.text, series.mapValues { $0.map { "\($0)" }.joined(separator: " ") })
        }
        return counts + histograms
    }

    private static func lines(_ name: String, _ text: String, _ values: [String: String]) -> [String] {
        if values.isEmpty { return [] }
        return ["# \(name): \(text)"] + values.sorted { $0.key < $1.key }.map { "\(name){\($0.key)} \($0.value)" }
    }
}
