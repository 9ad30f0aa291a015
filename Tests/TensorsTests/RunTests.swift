import Foundation
import Synchronization
import Tensors
import Testing

@Suite struct RunTests {
    /// More threads than CPUs and programs that want them too, so that helpers are late, lose their CPU inside a task and
    /// are lent the leader's: no run is lost, and none computes a row twice or not at all. Each run follows the one before
    /// at once and reads what that wrote.
    @Test(arguments: [2, 5, 8])
    func everyRunIsWholeBesideBusyThreads(_ threads: Int) throws {
        let busy = BusyThreads(count: 2)
        defer { busy.stop() }
        let columns = 48
        var samples = SampleGenerator(seed: 11)
        let gamma = samples.buffer(columns, scale: 1)
        let beta = samples.buffer(columns, scale: 1)
        let weights = LayerNormWeights(gamma: gamma.base, beta: beta.base, epsilon: 1e-5)
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: .best)
        let alone = try ComputeTeam(cpus: [nil], instructionSet: .best)
        for run in 0..<100 {
            // 32 rows are a task: from one task to many
            let rows = 1 + run * 7 % 700
            let buffers = (samples.buffer(rows * columns, scale: 2), FloatBuffer(count: rows * columns))
            let x = buffers.0.matrix(rows: rows, columns: columns)
            let expected = buffers.1.matrix(rows: rows, columns: columns)
            alone.layerNorm(x, weights, into: expected)
            for _ in 0..<4 { alone.layerNorm(expected, weights, into: expected) }
            for _ in 0..<5 { team.layerNorm(x, weights, into: x) }
            let size = rows * columns * MemoryLayout<Float>.stride
            let same = withExtendedLifetime((buffers, gamma, beta)) { memcmp(x.base, expected.base, size) == 0 }
            #expect(same, "run \(run)")
        }
    }
}

/// Threads that want all of a CPU each until they are stopped.
private final class BusyThreads: Sendable {
    private let stopped = Atomic(false)

    init(count: Int) {
        for _ in 0..<count {
            Thread.detachNewThread { while !self.stopped.load(ordering: .relaxed) {} }
        }
    }

    func stop() { stopped.store(true, ordering: .relaxed) }
}
