package import DistilBERT
import Glibc
package import ModelFiles
package import Tensors
package import Training

/// What a run tells while it works.
package enum RunEvent: Sendable {
    /// Something that was found or decided, in a sentence.
    case notice(String)
    /// Something that a person should look at.
    case warning(String)
    case progress(TrainingProgress)
    /// A metric of the validation examples after an epoch.
    case validation(epoch: Int, Metrics)
}

/// How a run works, as far as that changes nothing of its results.
package struct RunOptions: Sendable {
    /// The model's folder, made at the end.
    package var output: String
    /// Whether a model that is there is replaced.
    package var replacing: Bool
    package var threads: Int
    /// Seconds between two saved states.
    package var saveInterval: Double
    package var report: @Sendable (RunEvent) -> Void
    /// Whether the user wants it to stop; it is then saved.
    package var shouldStop: @Sendable () -> Bool

    package init(
        output: String,
        replacing: Bool = false,
        threads: Int,
        saveInterval: Double = 60,
        report: @escaping @Sendable (RunEvent) -> Void = { _ in },
        shouldStop: @escaping @Sendable () -> Bool = { false }
    ) {
        var path = output
        while path.count > 1, path.last == "/" { path.removeLast() }
        self.output = path
        self.replacing = replacing
        self.threads = threads
        self.saveInterval = saveInterval
        self.report = report
        self.shouldStop = shouldStop
    }

    package func team() throws(DistillationError) -> ComputeTeam { try computeTeam(threads: threads) }

    /// Refuses an output that is there or cannot be made, before hours of work.
    package func checkOutput() throws(DistillationError) {
        if !replacing, access(output, F_OK) == 0 {
            throw .usage("\(output) is there; choose another --output, or --force to replace it")
        }
        do throws(ModelFilesError) {
            try NewFolder.check(output, replacing: replacing)
        } catch {
            throw .usage("\(error)")
        }
        let parent = output.lastIndex(of: "/").map { $0 == output.startIndex ? "/" : String(output[..<$0]) } ?? "."
        guard access(parent, W_OK) == 0 else {
            throw .usage("--output \(output): nothing can be made in \(parent): \(String(cString: strerror(errno)))")
        }
    }
}

/// A model that is being trained, from its first weights to its folder.
package final class TrainingRun {
    package let plan: NetworkPlan
    package let model: TrainableModel
    package let team: ComputeTeam
    package let recipe: Recipe
    package let options: RunOptions

    /// - Parameters:
    ///   - plan: the network to train.
    ///   - projection: to a teacher of another width, where hidden states or embeddings are compared.
    ///   - teacher: the network of a teacher that computes beside it, for the plan of the memory.
    ///   - fill: writes a parameter's first values.
    package init(
        _ plan: NetworkPlan,
        projection: Linear?,
        recipe: Recipe,
        options: RunOptions,
        teacher: NetworkPlan?,
        longest: Int,
        team: ComputeTeam,
        fill: (Parameter, UnsafeMutablePointer<Float>) -> Void
    ) throws(DistillationError) {
        self.plan = plan
        self.recipe = recipe
        self.options = options
        self.team = team
        let configuration = plan.configuration
        do {
            try KernelProof(team).proveTraining(
                hidden: configuration.hiddenSize,
                intermediate: configuration.intermediateSize,
                heads: configuration.heads
            )
        } catch {
            throw .failed("this CPU does not compute what plain C does, so nothing is trained on it: \(error)")
        }
        let layout = ParameterLayout(plan, added: projection?.parameters ?? [])
        let memory = try MemoryPlan.fitting(
            plan,
            values: layout.count,
            tokens: max(longest, min(recipe.integer(.batchTokens), recipe.integer(.batchSize) * longest)),
            format: recipe.format,
            teacher: teacher,
            available: MemoryPlan.availableBytes
        )
        options.report(.notice(memory.sentence))
        let values = ParameterBlock(layout)
        for parameter in layout.parameters { fill(parameter, values[parameter]) }
        model = TrainableModel(
            plan,
            values: values,
            gradients: ParameterBlock(layout),
            projection: projection,
            format: recipe.format,
            rates: recipe.rates(configuration, head: plan.head.dropout),
            memory: memory.memory,
            team: team
        )
        model.refresh()
    }

    /// Trains to the end, taking up what an interrupted run of the same kind has left.
    ///
    /// - Parameters:
    ///   - key: what the run is of; see `RunState`.
    ///   - validate: is called after each epoch.
    package func train(
        _ examples: [EncodedExample],
        objective: Objective,
        settings: LoopSettings,
        key: String,
        stage: String = "",
        teacher: (any TeacherSignals)? = nil,
        masking: Masking? = nil,
        validate: ((Int) throws -> Void)? = nil
    ) throws -> TrainingSummary {
        guard !examples.isEmpty else {
            throw DistillationError.failed("there is nothing to learn from: no example is left")
        }
        let loop = TrainingLoop(
            model,
            examples: examples,
            settings: settings,
            objective: objective,
            teacher: teacher,
            masking: masking,
            team: team
        )
        let state = RunState(output: options.output + stage, key: key)
        if state.exists {
            try state.restore(loop)
            options.report(
                .notice("going on at step \(loop.step + 1) of \(loop.schedule.steps), where the run had stopped")
            )
        }
        var lastSave = ContinuousClock.now
        var lastReport: ContinuousClock.Instant?
        let perEpoch = settings.stepsPerEpoch(examples.count)
        while !loop.isComplete {
            try loop.advance()
            let now = ContinuousClock.now
            if lastReport.map({ now - $0 > .seconds(2) }) ?? true || loop.isComplete {
                options.report(.progress(loop.progress))
                lastReport = now
            }
            if loop.step % perEpoch == 0 { try validate?(loop.step / perEpoch) }
            if options.shouldStop() {
                try state.save(loop)
                throw DistillationError.failed(
                    "stopped after step \(loop.step) of \(loop.schedule.steps) and saved in \(state.folder); the same command "
                        + "goes on from there"
                )
            }
            if now - lastSave >= .seconds(options.saveInterval), !loop.isComplete {
                try state.save(loop)
                lastSave = ContinuousClock.now
            }
        }
        try state.save(loop)
        return loop.summary
    }

    /// Writes the model's folder and removes what was saved of the run.
    ///
    /// - Parameters:
    ///   - files: what else the folder has.
    ///   - modules: those of sentence-transformers that have no weights.
    package func write(
        tokenizer: [SmallFile],
        files: [SmallFile],
        modules: SentenceTransformersModules? = nil
    ) throws(DistillationError) {
        let plan = modules.map { NetworkPlan(self.plan.configuration, $0) { _ in false } } ?? self.plan
        do throws(ModelFilesError) {
            try ModelFolderWriter(
                plan,
                modules: modules,
                tokenizer: tokenizer + files,
                elementType: recipe.elementType
            ).write(to: options.output, replacing: options.replacing) { UnsafePointer(model.values[$0]) }
        } catch {
            throw .failed("\(error)")
        }
        RunState(output: options.output, key: "").remove()
    }
}
