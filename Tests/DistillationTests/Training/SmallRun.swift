import DistilBERT
import Distillation
import ModelFiles
import Tensors
import TestSupport
import Tokenization
import Training

/// A small model that learns, and its examples.
struct SmallRun {
    /// The task's folder, source and examples; the last two examples have no target.
    struct Task {
        let folder: TemporaryFolder
        let source: ModelSource
        let examples: [EncodedExample]

        init(_ task: TrainingTask = .classify) throws {
            folder = try TemporaryFolder()
            var checkpoint = SeededCheckpoint(
                family: .distilBERT,
                hidden: 32,
                layers: 2,
                heads: 2,
                intermediate: 48,
                vocabulary: 200
            )
            checkpoint.positions = 32
            checkpoint.spread = 0.2
            checkpoint.labels = task == .regression ? 1 : 3
            checkpoint.head = task == .tag ? .token : task == .answer ? .answer : .sequence
            try checkpoint.write(to: folder.path)
            source = try ModelSource(folder.path)
            var data = Dataset(task: task, labels: ["a", "b", "c"])
            data.examples = (0..<22).map { index in
                let words = (0...index % 7).map { String(UnicodeScalar(UInt8(97 + (index * 5 + $0 * 3) % 26))) }
                let text = words.joined(separator: " ")
                guard index < 20 else { return Example(text: text, words: task == .tag ? words : []) }
                return switch task {
                case .classify: Example(text: text, target: .label(index % 3))
                case .multiLabel: Example(text: text, target: .labels(index % 2 == 0 ? [0, 2] : []))
                case .regression: Example(text: text, target: .value(Float(index) / 10))
                case .tag: Example(text: text, words: words, target: .tags(words.indices.map { ($0 + index) % 3 }))
                case .answer:
                    Example(
                        text: "who",
                        pair: text,
                        target: .answers([.init(text: words[0], start: 0)])
                    )
                case .embed:
                    Example(
                        text: text,
                        pair: index % 2 == 0 ? "a b" : nil,
                        target: index % 2 == 0 ? .value(0.5) : .none
                    )
                }
            }
            examples = try ExampleEncoder(source.tokenizer, source.configuration, maxLength: 32).encode(data).examples
        }
    }

    let model: TrainableModel
    let loop: TrainingLoop

    init(
        _ task: Task,
        settings: LoopSettings,
        objective: Objective = .task,
        rates: DropoutRates = .none,
        threads: Int = 1,
        set: InstructionSet = .best,
        teacher: (any TeacherSignals)? = nil
    ) throws {
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
        let values = try task.source.values()
        model = TrainableModel(
            task.source.plan,
            values: values,
            gradients: ParameterBlock(values.layout),
            rates: rates,
            team: team
        )
        model.refresh()
        loop = TrainingLoop(
            model,
            examples: task.examples,
            settings: settings,
            objective: objective,
            teacher: teacher,
            team: team
        )
    }

    static let dropout = DropoutRates(hidden: 0.1, attention: 0.1, head: 0.2)

    static func settings(epochs: Int = 3, batch: Int = 8, tokens: Int = 1 << 14, seed: UInt64 = 4) -> LoopSettings {
        LoopSettings(epochs: epochs, batchSize: batch, learningRate: 1e-3, seed: seed, mostTokens: tokens)
    }

    func finish() throws { while !loop.isComplete { try loop.advance() } }

    /// Of weights and moments.
    var bits: [UInt32] {
        [model.values, loop.optimizer.first, loop.optimizer.second].flatMap { block in
            (0..<block.memory.count).map { block.memory.base[$0].bitPattern }
        }
    }
}
