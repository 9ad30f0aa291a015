import Time

/// Who wants to know how the server is. All who ask in one turn of the loop get the same; and to measure a process the kernel walks
/// through all its pages, so that what was measured serves for a while.
struct StatusCalls {
    enum Wish {
        case status
        /// With the memory of all processes, as the metrics.
        case verbose
        case metrics
    }

    /// What was measured, when, and of whom.
    struct Measurement {
        var at: Instant
        var processes: [WorkerID]
        var own: ProcessMemory?
        var others: [WorkerID: ProcessMemory] = [:]
    }

    private static let shelfLife = Duration.milliseconds(250)

    /// Without a call: the shell itself.
    var waiting: [(call: ControlCall?, wish: Wish)] = []
    var measurement: Measurement?

    /// Whether somebody waits for what has to be measured first.
    func needsMeasurement(of processes: [WorkerID], at now: Instant) -> Bool {
        guard waiting.contains(where: { $0.wish != .status }) else { return false }
        guard let measurement, measurement.processes == processes else { return true }
        return now - measurement.at >= Self.shelfLife
    }
}
