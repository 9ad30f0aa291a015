import DistilBERT
import ModelFiles
import Tensors
import Tokenization
import Training

/// `distill train`: a teacher, examples and raw text make a smaller model.
///
/// | teacher | learns from | the student is |
/// |---|---|---|
/// | a classifier, tagger or answerer | labels, raw text | the same task's, a standard checkpoint |
/// | a masked language model | raw text | a masked language model |
/// | a sentence encoder | raw text | a folder of sentence-transformers |
package struct Distilling {
    package let teacher: ModelSource
    /// With labels or without.
    package let data: Dataset
    package let unlabelled: Dataset?
    package let recipe: Recipe
    package let options: RunOptions
    package let command: [(key: String, value: String)]

    package init(
        teacher: ModelSource,
        data: Dataset,
        unlabelled: Dataset? = nil,
        recipe: Recipe,
        options: RunOptions,
        command: [(key: String, value: String)] = []
    ) {
        self.teacher = teacher
        self.data = data
        self.unlabelled = unlabelled
        self.recipe = recipe
        self.options = options
        self.command = command
    }

    private enum Kind {
        /// The logits of whole texts are known once and for all.
        case sequences
        /// Tags and answers.
        case tokens
        case maskedLM
        case embeddings
    }

    private var kind: Kind {
        if case .maskedLM = teacher.plan.head.head { return .maskedLM }
        return switch data.task {
        case .classify, .multiLabel, .regression: .sequences
        case .tag, .answer: .tokens
        case .embed: .embeddings
        }
    }

    package func run() throws -> TrainedModel {
        try options.checkOutput()
        let kind = kind
        var all = data
        if let unlabelled {
            all.examples += unlabelled.examples.map { example in
                var raw = example
                raw.target = .none
                return raw
            }
        }
        let words = try vocabulary(all)
        let configuration = try student(kind, words)
        let plan = NetworkPlan(configuration) { _ in false }
        let tokenizer = try words.map { try Self.tokenizer($0.files) } ?? teacher.tokenizer
        let encoder = ExampleEncoder(tokenizer, configuration, maxLength: recipe.integer(.maxLength))
        let (examples, truncated) = try encoder.encode(all)
        report(truncated: truncated, of: all.count, limit: encoder.maxLength, options)
        let objective = try objective(kind, configuration, sameTokens: words == nil)
        let initialisation = try studentInitialisation(
            from: teacher.plan,
            to: plan,
            layers: recipe.settings.integers(.teacherLayers),
            words: words?.cut.kept
        )
        options.report(
            .notice(
                "the student is a \(configuration.architecture) of \(configuration.layers) layers and width "
                    + "\(configuration.hiddenSize), begun with the teacher's layers "
                    + initialisation.layers.map { "\($0)" }.joined(separator: ", ")
            )
        )
        let old = try teacher.values()
        let team = try options.team()
        let hidden = teacher.configuration.hiddenSize
        let isProjected =
            configuration.hiddenSize != hidden && (objective.cosine > 0 || objective.embedding > 0)
        let projection = isProjected ? TrainableModel.projection(to: hidden, from: configuration.hiddenSize) : nil
        let computesBeside = objective.needsTeacherStates || kind == .tokens || kind == .maskedLM
        let run = try TrainingRun(
            plan,
            projection: projection,
            recipe: recipe,
            options: options,
            teacher: computesBeside || objective.embedding > 0 ? teacher.plan : nil,
            longest: encoder.maxLength,
            team: team
        ) { parameter, destination in
            guard parameter.name != projection?.name else {
                // The first values of the student are the teacher's.
                let (rows, columns) = (parameter.shape[0], parameter.shape[1])
                for row in 0..<min(rows, columns) { destination[row * columns + row] = 1 }
                return
            }
            initialisation.fill(parameter, destination, seed: recipe.seed) { UnsafePointer(old[$0]) }
        }
        let signals = try signals(kind, objective, all, examples, old, encoder, computesBeside, run)
        let summary = try run.train(
            examples,
            objective: objective,
            settings: recipe.loop,
            key: runKey(recipe, examples, [teacher.contents], plan),
            teacher: signals,
            masking: kind == .maskedLM ? try masking(examples, tokenizer, configuration) : nil
        )
        try write(run, kind, words?.files)
        return TrainedModel(output: options.output, task: data.task, summary: summary)
    }

    // MARK: - The student

    private func student(
        _ kind: Kind,
        _ words: (cut: VocabularyCut, files: [SmallFile])?
    ) throws(DistillationError) -> ModelConfiguration {
        let old = teacher.configuration
        var new = old
        if recipe.settings.text(.family) == "distilbert" {
            new.family = .distilBERT
            new.typeVocabularySize = 0
            new.layerNormEpsilon = 1e-12
        }
        new.layers =
            recipe.settings.integer(.layers) ?? recipe.settings.integers(.teacherLayers)?.count ?? (old.layers + 1) / 2
        if let width = recipe.settings.integer(.width) {
            guard width % old.headSize == 0, width <= old.hiddenSize else {
                throw .usage(
                    "--width \(width): expected a multiple of \(old.headSize), the size of the teacher's attention heads, up to "
                        + "\(old.hiddenSize)"
                )
            }
            new.hiddenSize = width
            new.heads = width / old.headSize
            new.intermediateSize = old.intermediateSize * width / old.hiddenSize
        }
        if let words {
            new.vocabularySize = words.cut.kept.count
            new.padTokenID = old.padTokenID.flatMap(words.cut.newID)
        }
        if kind == .maskedLM { return new.adaptedToMaskedLM() }
        return new.adapted(to: data.task, labels: data.labels)
    }

    /// The smaller vocabulary that the recipe asks for, and the tokenizer's files for it.
    private func vocabulary(_ all: Dataset) throws -> (cut: VocabularyCut, files: [SmallFile])? {
        guard let size = recipe.settings.integer(.vocabulary), size < teacher.configuration.vocabularySize else {
            return nil
        }
        var counts: [[Int32]: Int] = [:]
        for example in all.examples {
            for text in [example.text, example.pair].compactMap({ $0 }) {
                let ids = try teacher.tokenizer.encode(text).ids
                for word in VocabularyCut.words(in: ids, teacher.tokenizer) { counts[word, default: 0] += 1 }
            }
        }
        let cut = VocabularyCut(teacher.tokenizer.specification, words: counts, size: size)
        options.report(
            .notice(
                "the student's vocabulary has \(cut.kept.count) of \(teacher.configuration.vocabularySize) word pieces"
            )
        )
        return (cut, try cut.files(of: teacher.folder.transformerDirectory))
    }

    private static func tokenizer(_ files: [SmallFile]) throws -> Tokenizer {
        let folder = try TemporaryDirectory()
        for file in files { try file.write(to: folder.path) }
        return try Tokenizer(try TokenizerFiles.load(directory: folder.path, files: .disk))
    }

    // MARK: - What is learnt

    private func objective(
        _ kind: Kind,
        _ configuration: ModelConfiguration,
        sameTokens: Bool
    ) throws(DistillationError) -> Objective {
        var objective = recipe.objective(layers: configuration.layers, teacherLayers: teacher.configuration.layers)
        switch kind {
        case .sequences where data.task != .classify:
            // Scores without a softmax are compared as they are.
            objective.logits += objective.softTargets
            objective.softTargets = 0
        case .embeddings:
            objective.task = data.examples.contains { $0.target != .none } ? objective.task : 0
            objective.softTargets = 0
            objective.logits = 0
            objective.embedding = max(objective.embedding, 1)
        case .maskedLM: objective.softTargetsOfAllTokens = false
        default: break
        }
        let isLabelled = data.examples.contains { $0.target != .none }
        if !isLabelled, kind != .maskedLM { objective.task = 0 }
        if !sameTokens, objective.needsTeacherStates || kind == .tokens || kind == .maskedLM {
            throw .usage(
                "with a smaller --vocabulary the student has other tokens than the teacher, so that no loss can compare them token "
                    + "by token; use --preset embedding, or soft targets alone"
            )
        }
        if configuration.hiddenSize != teacher.configuration.hiddenSize, objective.patient > 0 {
            throw .usage("`patient_weight` compares states of one width; leave out --width, or use another preset")
        }
        for (heads, width) in [
            (objective.relationHeads, configuration.hiddenSize),
            (objective.relationHeads, teacher.configuration.hiddenSize),
        ] where objective.relations > 0 && width % heads != 0 {
            throw .usage("`relation_heads` \(heads): the width \(width) cannot be cut into so many parts")
        }
        guard objective.needsTeacher || objective.task > 0 else {
            throw .usage("all weights of the loss are 0; choose a --preset, or give weights in --config")
        }
        return objective
    }

    private func signals(
        _ kind: Kind,
        _ objective: Objective,
        _ all: Dataset,
        _ examples: [EncodedExample],
        _ old: ParameterBlock,
        _ encoder: ExampleEncoder,
        _ computesBeside: Bool,
        _ run: TrainingRun
    ) throws -> (any TeacherSignals)? {
        guard objective.needsTeacher else { return nil }
        var logits: [Float]?
        if kind == .sequences, objective.softTargets > 0 || objective.logits > 0 {
            options.report(.notice("the teacher answers \(all.count) texts"))
            let served = try ServedModel(directory: teacher.directory, threads: options.threads)
            logits = try ordered(try served.logits(of: all.examples), served.labels)
        }
        var model: TrainableModel?
        if computesBeside || objective.embedding > 0 {
            let network = TrainableModel(teacher.plan, values: old, gradients: nil, team: run.team)
            network.refresh()
            model = network
        }
        var embeddings: [Float]?
        if objective.embedding > 0, let model {
            let own = ExampleEncoder(teacher.tokenizer, teacher.configuration, maxLength: encoder.maxLength)
            var sequences: [TokenSequence] = []
            for example in try own.encode(all).examples {
                sequences.append(example.sequence)
                if let other = example.other { sequences.append(other) }
            }
            embeddings = try model.embeddings(of: sequences)
        }
        var states: StateFile?
        if kind == .sequences, objective.cosine > 0, objective.patient == 0, objective.relations == 0, let model {
            do {
                states = try StateFile(model, examples, folder: folder(of: options.output))
            } catch let error as DistillationError {
                options.report(.notice("\(error.message); the teacher computes them in each step instead"))
            }
        }
        return NetworkTeacher(
            logits: logits,
            outputs: max(1, data.labels.count),
            embeddings: embeddings,
            sequences: examples.map { $0.other == nil ? 1 : 2 },
            width: teacher.configuration.hiddenSize,
            states: states,
            model: computesBeside && states == nil ? model : nil,
            objective: objective
        )
    }

    /// The teacher's logits in the order of the data's labels, row by row.
    private func ordered(_ rows: [[Float]], _ labels: [String]) throws(DistillationError) -> [Float] {
        guard data.task != .regression else { return rows.flatMap { $0 } }
        let places = data.labels.map { labels.firstIndex(of: $0) }
        guard places.count == labels.count, !places.contains(nil) else {
            throw .failed(
                "the teacher's labels (\(labels.prefix(5).joined(separator: ", "))…) are not those of the data "
                    + "(\(data.labels.prefix(5).joined(separator: ", "))…)"
            )
        }
        return rows.flatMap { row in places.compactMap { $0.map { row[$0] } } }
    }

    private func masking(
        _ examples: [EncodedExample],
        _ tokenizer: Tokenizer,
        _ configuration: ModelConfiguration
    ) throws(DistillationError) -> Masking {
        guard let mask = tokenizer.maskID else {
            throw .failed(
                "\(teacher.directory): the tokenizer has no mask token, which masked language modelling needs"
            )
        }
        var counts = [Int](repeating: 0, count: configuration.vocabularySize)
        for example in examples {
            for id in example.sequence.ids { counts[Int(id)] += 1 }
        }
        let specials = Set(counts.indices.map { Int32($0) }.filter { tokenizer.isSpecial($0) })
        return Masking(counts: counts, specials: specials, maskID: mask, share: recipe.number(.maskedShare))
    }

    /// The folder that a path is in.
    private func folder(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    // MARK: - The folder

    private func write(_ run: TrainingRun, _ kind: Kind, _ cut: [SmallFile]?) throws(DistillationError) {
        let tokenizer: [SmallFile]
        if let cut { tokenizer = cut } else { tokenizer = try teacher.tokenizerFiles() }
        let files = [recipeFile(recipe, command)]
        guard kind == .embeddings else { return try run.write(tokenizer: tokenizer, files: files) }
        let configuration = run.plan.configuration
        let modules = SentenceTransformersModules(
            pooling: .init(dimension: configuration.hiddenSize, modes: [.mean]),
            steps: [.normalize],
            maxSequenceLength: min(recipe.integer(.maxLength), configuration.maxPositions)
        )
        try run.write(tokenizer: tokenizer, files: files, modules: modules)
    }
}
