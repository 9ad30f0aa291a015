internal import CKernels
internal import Glibc

/// The threads and kernels that compute one worker's batches.
///
/// The creating thread is the team's leader: operations run on it and on `threads − 1` helpers, and return when all have
/// finished. Not thread-safe: one operation at a time, from the leader.
///
/// A result does not depend on the number of threads, on the other rows of a batch, or on their number.
package final class ComputeTeam {
    package let instructionSet: InstructionSet
    package var threads: Int { ck_pool_threads(pool) }

    let kernels: ck_kernels
    let pool: OpaquePointer
    /// Scratch of each thread, grown on demand by `reserve`.
    private(set) var scratch: [UnsafeMutableRawPointer]
    private(set) var scratchBytes: Int
    /// Memory for all threads together during one operation: a product's rows as its kernel reads them, the sums of blocks of
    /// rows.
    private(set) var prepared: UnsafeMutableRawPointer
    private var preparedBytes = 64

    /// - Parameters:
    ///   - cpus: where each thread runs, the leader's first (which is not applied: the process is placed already);
    ///     its count is the number of threads.
    package init(cpus: [Int?], instructionSet: InstructionSet) throws(TensorError) {
        guard instructionSet.isSupported, let kernels = ck_kernels_for(instructionSet.code) else {
            throw .unsupported(
                "this CPU has no \(instructionSet.rawValue); the best it has is \(InstructionSet.best.rawValue)"
            )
        }
        let count = max(1, cpus.count)
        guard let pool = ck_pool_create(count, cpus.isEmpty ? [-1] : cpus.map { Int32($0 ?? -1) }) else {
            throw .resource("cannot start \(count - 1) compute threads: \(String(cString: strerror(errno)))")
        }
        self.instructionSet = instructionSet
        self.kernels = kernels.pointee
        self.pool = pool
        prepared = .allocate(byteCount: preparedBytes, alignment: 64)
        scratchBytes = 64
        let bytes = scratchBytes
        scratch = (0..<count).map { _ in .allocate(byteCount: bytes, alignment: 64) }
    }

    deinit {
        ck_pool_destroy(pool)
        prepared.deallocate()
        for memory in scratch { memory.deallocate() }
    }

    /// Makes sure that each thread has `bytes` of scratch.
    func reserve(_ bytes: Int) {
        guard bytes > scratchBytes else { return }
        for memory in scratch { memory.deallocate() }
        scratch = scratch.map { _ in .allocate(byteCount: bytes, alignment: 64) }
        scratchBytes = bytes
    }

    /// Makes sure that `prepared` has at least this number of bytes.
    func reservePrepared(_ bytes: Int) {
        guard bytes > preparedBytes else { return }
        prepared.deallocate()
        prepared = .allocate(byteCount: bytes, alignment: 64)
        preparedBytes = bytes
    }

    /// As `InstructionSet.measurePeak`, of all threads of the team at once: their sum.
    package func measurePeak(_ format: WeightFormat = .float32, seconds: Double) -> Double {
        var rates = [Double](repeating: 0, count: threads)
        rates.withUnsafeMutableBufferPointer { rates in
            run(threads) { index, _ in rates[index] = instructionSet.measurePeak(format, seconds: seconds) }
        }
        return rates.reduce(0, +)
    }

    /// Calls `body(index, thread)` for each index below `count`, spread over the team.
    func run(_ count: Int, _ body: (Int, Int) -> Void) {
        withoutActuallyEscaping(body) { body in
            var body = body
            withUnsafeMutablePointer(to: &body) { pointer in
                ck_pool_run(
                    pool,
                    { context, index, thread in
                        guard let context else { return }
                        context.assumingMemoryBound(to: ((Int, Int) -> Void).self).pointee(index, thread)
                    },
                    pointer,
                    count
                )
            }
        }
    }
}
