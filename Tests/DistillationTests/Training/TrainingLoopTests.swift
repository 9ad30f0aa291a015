import DistilBERT
import Distillation
import ModelFiles
import Tensors
import TestSupport
import Testing
import Training

@Suite struct TrainingLoopTests {
    /// Writes down what it is asked about.
    private final class Witness: TeacherSignals {
        var examples: [Int] = []

        func outputs(_ examples: [Int], _ batch: Batch, _ supervision: Supervision) throws -> TeacherOutputs {
            self.examples += examples
            return TeacherOutputs()
        }
    }

    /// Another network of the same shape.
    private final class Network: TeacherSignals {
        private let model: TrainableModel

        init(_ task: SmallRun.Task) throws {
            let values = try task.source.values()
            for index in 0..<values.memory.count { values.memory.base[index] *= index % 3 == 0 ? 0.5 : 1.25 }
            model = TrainableModel(
                task.source.plan,
                values: values,
                gradients: nil,
                team: try ComputeTeam(cpus: [nil], instructionSet: .best)
            )
            model.refresh()
        }

        func outputs(_ examples: [Int], _ batch: Batch, _ supervision: Supervision) throws -> TeacherOutputs {
            var result = TeacherOutputs()
            try model.encoder.forward(batch)
            result.hidden = model.encoder.lastHidden
            if let head = model.head {
                try head.forward(
                    model.encoder.lastHidden,
                    rows: head.head.readsFirstToken ? batch.firstRows : Array(0..<batch.tokens)
                )
                result.logits = head.logits
            }
            model.embedding.forward(model.encoder.lastHidden, bounds: batch.bounds)
            result.embeddings = model.embedding.embeddings
            return result
        }
    }

    @Test func theOrderFollowsFromSeedAndEpoch() throws {
        let task = try SmallRun.Task()
        func order(_ seed: UInt64) throws -> [[Int]] {
            let witness = Witness()
            try SmallRun(task, settings: SmallRun.settings(seed: seed), teacher: witness).finish()
            let count = task.examples.count
            return (0..<3).map { Array(witness.examples[$0 * count..<($0 + 1) * count]) }
        }
        let epochs = try order(4)
        for (epoch, examples) in epochs.enumerated() {
            var expected = Array(task.examples.indices)
            var generator = SeededGenerator(seed: 4, stream: UInt64(epoch))
            generator.shuffle(&expected)
            #expect(examples == expected, "each example once, in the order that the seed gives")
        }
        #expect(Set(epochs).count == 3)
        #expect(try order(4) == epochs)
        #expect(try order(5) != epochs)
    }

    /// Of examples of different lengths, some of which have no target, with every kind of mean in the loss.
    @Test(arguments: TrainingTask.allCases) func partsOfAStepHaveTheGradientOfTheWhole(_ kind: TrainingTask) throws {
        let task = try SmallRun.Task(kind)
        var objective = Objective()
        (objective.task, objective.cosine, objective.embedding) = (1, 0.5, 2)
        if [.classify, .tag, .answer].contains(kind) { objective.softTargets = 1 }
        if [.multiLabel, .regression].contains(kind) { objective.logits = 0.3 }
        func first(_ tokens: Int) throws -> (values: [Float], loss: Double) {
            let run = try SmallRun(
                task,
                settings: SmallRun.settings(epochs: 1, batch: 22, tokens: tokens),
                objective: objective,
                teacher: try Network(task)
            )
            try run.loop.advance()
            let moment = run.loop.optimizer.first
            return ((0..<moment.memory.count).map { moment.memory.base[$0] }, run.loop.summary.loss)
        }
        let whole = try first(1 << 14)
        let largest = whole.values.map { abs($0) }.max() ?? 0
        #expect(largest > 0)
        for tokens in [16, 40] {
            let parts = try first(tokens)
            let worst = zip(whole.values, parts.values).map { abs($0 - $1) }.max() ?? 0
            #expect(worst <= 2e-5 * largest, "parts of \(tokens) tokens: off by \(worst) of \(largest)")
            #expect(abs(parts.loss - whole.loss) <= 1e-5 * whole.loss)
        }
    }

    /// Texts without a target change nothing of the task's loss.
    @Test(arguments: [TrainingTask.classify, .multiLabel, .regression, .tag, .answer])
    func whatHasNoTargetTeachesNothing(_ kind: TrainingTask) throws {
        let task = try SmallRun.Task(kind)
        let bare = task.examples.filter { $0.goal == .none }
        #expect(!bare.isEmpty)
        let values = try task.source.values()
        let gradients = ParameterBlock(values.layout)
        let model = TrainableModel(
            task.source.plan,
            values: values,
            gradients: gradients,
            team: try ComputeTeam(cpus: [nil], instructionSet: .plain)
        )
        model.refresh()
        func learn(_ examples: [EncodedExample]) throws -> ([Float], Double) {
            gradients.clear()
            let loss = try model.learn(Batch(examples.map(\.sequence)), Supervision(examples), .task).total
            return ((0..<gradients.memory.count).map { gradients.memory.base[$0] }, loss)
        }
        let labelled = task.examples.filter { $0.goal != .none }
        let (alone, loss) = try learn(labelled)
        let (mixed, other) = try learn(labelled + bare)
        #expect(loss > 0 && abs(loss - other) < 1e-6)
        let worst = zip(alone, mixed).map { abs($0 - $1) }.max() ?? 0
        #expect(worst <= 1e-6 * (alone.map { abs($0) }.max() ?? 0))
    }

    @Test func stoppedAfterAnyStepTheBitsAreThoseOfAnUninterruptedRun() throws {
        let task = try SmallRun.Task()
        let settings = SmallRun.settings(epochs: 2, tokens: 24)
        func run(threads: Int = 1) throws -> SmallRun {
            try SmallRun(task, settings: settings, rates: SmallRun.dropout, threads: threads)
        }
        let whole = try run()
        try whole.finish()
        let steps = whole.loop.schedule.steps
        #expect(steps == 6 && whole.loop.summary.isComplete)
        for stop in 1..<steps {
            let state = RunState(output: task.folder("run"), key: "k")
            let first = try run(threads: 2)
            for _ in 0..<stop { try first.loop.advance() }
            try state.save(first.loop)
            let second = try run()
            try state.restore(second.loop)
            #expect(second.loop.step == stop)
            try second.finish()
            #expect(second.bits == whole.bits, "stopped after step \(stop)")
            #expect(second.loop.summary.tokens == whole.loop.summary.tokens)
            #expect(second.loop.summary.loss == whole.loop.summary.loss)
            state.remove()
            #expect(try !task.folder.contents().contains("run.partial"))
        }
        let other = try SmallRun(task, settings: settings)
        try other.finish()
        #expect(other.bits != whole.bits, "dropout is on")
    }

    @Test func aLossThatIsNotFiniteNamesTheStepAndChangesNothing() throws {
        let task = try SmallRun.Task()
        let run = try SmallRun(task, settings: SmallRun.settings())
        for _ in 0..<2 { try run.loop.advance() }
        run.model.values[task.source.plan.layers[0].parameters[0]][0] = .nan
        run.model.refresh()
        // No row of the word table has decays to make up for, which a step does before its pass.
        run.loop.optimizer.finish()
        let before = run.bits
        let error = #expect(throws: DistillationError.self) { try run.loop.advance() }
        #expect(error?.message.contains("became nan in step 3 of 9") == true, "\(String(describing: error))")
        #expect(error?.message.contains("--learning-rate (now 0.001)") == true)
        #expect(run.loop.step == 2 && run.bits == before)
    }
}
