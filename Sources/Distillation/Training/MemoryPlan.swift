package import DistilBERT
import LinuxSystem
import ModelFiles
package import Tensors
package import Training

/// What a run will need, worked out before it begins.
package struct MemoryPlan: Sendable, Hashable {
    /// Bytes of weights, gradients and moments.
    package let parameters: Int
    /// Of weights packed for products, with them and with their transposes.
    package let packed: Int
    /// Of what a pass keeps for the backward pass and uses meanwhile.
    package let activations: Int
    /// Of a teacher's weights and activations.
    package let teacher: Int
    package let memory: TrainableEncoder.Memory

    package var total: Int { parameters + packed + activations + teacher }

    /// - Parameters:
    ///   - tokens: the most that are computed at a time.
    ///   - outputs: values of the head per token.
    init(
        _ plan: NetworkPlan,
        values: Int,
        tokens: Int,
        format: WeightFormat,
        memory: TrainableEncoder.Memory,
        teacher: NetworkPlan?
    ) {
        self.memory = memory
        let bytes = MemoryLayout<Float>.stride
        func linears(_ plan: NetworkPlan) -> Int { plan.linears.reduce(0) { $0 + $1.weight.count } }
        func perToken(_ plan: NetworkPlan, kept: Bool) -> Int {
            let (hidden, wide) = (plan.configuration.hiddenSize, plan.configuration.intermediateSize)
            let record = 6 * hidden + wide
            let records = kept ? plan.layers.count : 1
            return records * record + (plan.layers.count + 1) * 2 * hidden + 10 * hidden + 2 * wide
        }
        parameters = 4 * values * bytes
        packed = 2 * linears(plan) * (format == .bfloat16 ? 2 : bytes)
        activations = tokens * perToken(plan, kept: memory == .everything) * bytes
        self.teacher =
            teacher.map { other in
                2 * linears(other) * bytes + other.embeddings.word.count * bytes
                    + tokens * perToken(other, kept: true) * bytes
            } ?? 0
    }

    /// Keeps everything where that fits into `available` bytes, and else the layers' outputs alone.
    ///
    /// - Throws: where neither does.
    package static func fitting(
        _ plan: NetworkPlan,
        values: Int,
        tokens: Int,
        format: WeightFormat,
        teacher: NetworkPlan?,
        available: Int
    ) throws(DistillationError) -> MemoryPlan {
        func make(_ memory: TrainableEncoder.Memory) -> MemoryPlan {
            MemoryPlan(plan, values: values, tokens: tokens, format: format, memory: memory, teacher: teacher)
        }
        let everything = make(.everything)
        if everything.total <= available { return everything }
        let outputs = make(.outputs)
        guard outputs.total <= available else {
            throw .failed(
                "training needs \(megabytes(outputs.total)) and \(megabytes(available)) are free; compute fewer tokens at a "
                    + "time (`batch_tokens`, now \(tokens)), or train a smaller model"
            )
        }
        return outputs
    }

    /// What the machine has free, as the kernel estimates it; all there is where it does not say.
    package static var availableBytes: Int {
        guard let text = try? FileContents.readText("/proc/meminfo") else { return .max }
        for line in text.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
            if let kibibytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) {
                return kibibytes << 10
            }
        }
        return .max
    }

    /// For people.
    package var sentence: String {
        let kept =
            memory == .everything ? "" : "; what layers compute does not fit and is computed again in the backward pass"
        return
            "memory: \(Self.megabytes(total)), of which weights, gradients and moments \(Self.megabytes(parameters)), "
            + "activations \(Self.megabytes(activations))" + kept
    }

    private static func megabytes(_ bytes: Int) -> String { "\((bytes + 999_999) / 1_000_000) MB" }
}
