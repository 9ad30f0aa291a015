import ArgumentParser
import Foundation
import Tensors

/// Times each kernel by itself, on one thread, for every instruction set of this CPU.
struct KernelBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "kernels",
        abstract: "Time each kernel by itself, with a base model's shapes and weights that no cache holds."
    )

    @Option(help: "Instruction sets, such as avx2,avx512,avx512bf16; all that the CPU has if not given.")
    var sets: String?

    @Option(help: "Rows, or tokens of a sequence.")
    var rows: String = "1,16,128"

    @Option(help: "Seconds for each measurement.")
    var seconds = 0.3

    private static let (hidden, wide, heads) = (768, 3072, 12)

    func run() throws {
        let chosen = try sets.map { names in
            try names.split(separator: ",").map { name in
                guard let set = InstructionSet(rawValue: String(name)), set.isSupported else {
                    throw ValidationError("\(name): this CPU has no such instruction set")
                }
                return set
            }
        }
        for set in chosen ?? InstructionSet.allCases.filter({ $0.isSupported && !$0.isEmulated }) {
            let team = try ComputeTeam(cpus: [nil], instructionSet: set)
            print("# \(set.rawValue)")
            print("kernel                     rows        µs    10⁹/s   of peak")
            for rows in rows.split(separator: ",").compactMap({ Int($0) }) {
                for format in WeightFormat.allCases { try products(team, format, rows: rows) }
                try others(team, rows: rows)
            }
        }
    }

    /// The four products of a layer. So many copies of a weight take turns that it is never in a cache.
    private func products(_ team: ComputeTeam, _ format: WeightFormat, rows: Int) throws {
        let peak = team.measurePeak(format, seconds: 0.05)
        let (hidden, wide) = (Self.hidden, Self.wide)
        for (name, outputs, inputs, activation) in [
            ("qkv", 3 * hidden, hidden, Activation.none), ("attention output", hidden, hidden, .none),
            ("intermediate + gelu", wide, hidden, .gelu), ("output", hidden, wide, .none),
        ] {
            let bytes = PackedLinear.byteCount(format, outputs: outputs, inputs: inputs)
            let copies = (64 << 20) / bytes + 1
            let weight = noise(outputs * inputs)
            let bias = noise(outputs)
            let packed = FloatBuffer(count: (bytes + 63) / 64 * 16 * copies)
            var layers: [PackedLinear] = []
            for copy in 0..<copies {
                let place = UnsafeMutableRawPointer(packed.base) + copy * ((bytes + 63) / 64 * 64)
                if copy == 0 {
                    try PackedLinear.pack(weight.base, outputs: outputs, inputs: inputs, as: format, to: place)
                } else {
                    place.copyMemory(from: packed.base, byteCount: bytes)
                }
                layers.append(
                    PackedLinear(
                        weight: place,
                        bias: bias.base,
                        outputs: outputs,
                        inputs: inputs,
                        format: format
                    )
                )
            }
            let x = noise(rows * inputs)
            let y = FloatBuffer(count: rows * outputs)
            var turn = 0
            let time = try median {
                turn = (turn + 1) % copies
                try team.linear(
                    x.matrix(rows: rows, columns: inputs),
                    layers[turn],
                    activation: activation,
                    into: y.matrix(rows: rows, columns: outputs)
                )
            }
            report("\(format.rawValue) \(name)", rows, time, 2 * Double(rows * outputs * inputs), peak)
            withExtendedLifetime((bias, packed)) {}
        }
    }

    private func others(_ team: ComputeTeam, rows: Int) throws {
        let hidden = Self.hidden
        let bounds = SequenceBounds(lengths: [rows])
        let qkv = noise(rows * 3 * hidden)
        let x = noise(rows * hidden)
        let y = FloatBuffer(count: rows * hidden)
        let peak = team.measurePeak(seconds: 0.05)
        let attention = try median {
            try team.attention(
                qkv: qkv.matrix(rows: rows, columns: 3 * hidden),
                bounds: bounds,
                outputs: bounds,
                heads: Self.heads,
                into: x.matrix(rows: rows, columns: hidden)
            )
        }
        report("attention", rows, attention, 4 * Double(rows * rows * hidden), peak)
        let (gamma, beta) = (noise(hidden), noise(hidden))
        let norm = LayerNormWeights(gamma: gamma.base, beta: beta.base, epsilon: 1e-12)
        let output = y.matrix(rows: rows, columns: hidden)
        let layerNorm = median { team.layerNorm(x.matrix(rows: rows, columns: hidden), norm, into: output) }
        report("layer norm", rows, layerNorm, nil, 0)
        let ids = [Int32](repeating: 0, count: rows)
        for format in WeightFormat.allCases {
            let codes = FloatBuffer(count: hidden)
            let scale = FloatBuffer(count: 1)
            PackedTable.pack(gamma.base, rows: 1, columns: hidden, as: format, to: codes.base, scales: scale.base)
            let weights = EmbeddingWeights(
                word: PackedTable(format: format, values: codes.base, scales: scale.base),
                position: beta.base,
                type: nil,
                norm: norm
            )
            let time = median { team.embed(ids: ids, positions: ids, types: nil, weights, into: output) }
            report("\(format.rawValue) embedding + norm", rows, time, nil, 0)
            withExtendedLifetime((codes, scale)) {}
        }
        withExtendedLifetime((gamma, beta, qkv, x, y)) {}
    }

    /// Numbers between −1 and 1 that are the same in every run.
    private func noise(_ count: Int) -> FloatBuffer {
        let buffer = FloatBuffer(count: count)
        var state: UInt32 = 1
        for index in 0..<count {
            state = state &* 1_664_525 &+ 1_013_904_223
            buffer.base[index] = Float(state >> 8) / Float(1 << 23) - 1
        }
        return buffer
    }

    /// Seconds of one call of `body`.
    private func median(_ body: () throws -> Void) rethrows -> Double {
        try body()
        var times: [Double] = []
        let start = ContinuousClock.now
        repeat {
            let began = ContinuousClock.now
            try body()
            times.append((ContinuousClock.now - began) / .seconds(1))
        } while times.count < 5 || ContinuousClock.now - start < .seconds(seconds)
        return times.sorted()[times.count / 2]
    }

    private func report(_ name: String, _ rows: Int, _ seconds: Double, _ operations: Double?, _ peak: Double) {
        var line = name.padding(toLength: 26, withPad: " ", startingAt: 0)
        line += String(format: "%5d %9.1f", rows, seconds * 1e6)
        if let operations {
            let rate = operations / seconds * 1e-9
            line += String(format: " %8.1f", rate)
            if peak > 0 { line += String(format: "  %6.1f %%", rate / peak * 100) }
        }
        print(line)
    }
}
