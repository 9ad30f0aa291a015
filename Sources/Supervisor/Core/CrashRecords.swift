package import Messages

/// The last ends of workers that should not have been. They have shapes and sizes, and no texts.
package struct CrashRecords: Sendable {
    /// As many are kept.
    package static let capacity = 100

    /// The last first.
    package private(set) var crashes: [Crash] = []

    /// - Parameter time: by the server's clock, in microseconds since 1970.
    mutating func note(_ happening: Happening, at time: Int64) {
        guard case .workerEnded(let process, let end) = happening, !end.isExpected else { return }
        let crash = Crash(
            unixMicroseconds: time,
            model: process.model ?? "",
            generation: process.generation ?? 0,
            pid: process.processID,
            slot: UInt32(clamping: process.slot),
            end: end.end,
            cause: end.cause,
            peakBytes: end.peak,
            batches: end.batches.map {
                CrashedBatch(requests: UInt32(clamping: $0.requests), tokens: UInt64(clamping: $0.tokens))
            }
        )
        crashes = [crash] + crashes.prefix(Self.capacity - 1)
    }
}
