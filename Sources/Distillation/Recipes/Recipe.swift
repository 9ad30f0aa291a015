package import ModelFiles
package import Tensors
package import Training

/// How a model is trained: everything that decides its weights but the model it begins with and the data.
package struct Recipe: Sendable, Hashable {
    package enum Method: String, Sendable, Hashable, CaseIterable {
        /// All weights are trained on the labels.
        case full
        /// The encoder stays as it is, or is tuned on pairs, and a regularised head is fitted to its embeddings.
        case fewShot = "few-shot"
    }

    /// What a student learns from its teacher.
    package enum Preset: String, Sendable, Hashable, CaseIterable {
        /// Soft targets, labels and the cosine of hidden states (Sanh et al., arXiv 1910.01108).
        case distilbert
        /// Soft targets, labels and the first tokens' states layer by layer (Sun et al., arXiv 1908.09355).
        case pkd
        /// Relations of the last layer, soft targets and labels (Wang et al., arXiv 2012.15828).
        case minilmv2
        /// Sentence embeddings of raw text, the states of its tokens where the student has the teacher's tokens, and soft targets for
        /// the head.
        case embedding

        /// - Parameter sameTokens: whether the student keeps the teacher's vocabulary.
        func settings(sameTokens: Bool) -> RecipeSettings {
            switch self {
            case .distilbert:
                RecipeSettings([.taskWeight: "1", .softTargetWeight: "2.5", .cosineWeight: "0.5", .temperature: "2"])
            case .pkd:
                RecipeSettings([
                    .taskWeight: "0.5", .softTargetWeight: "0.5", .temperature: "5", .patientWeight: "100",
                ])
            case .minilmv2:
                RecipeSettings([
                    .taskWeight: "1", .softTargetWeight: "1", .temperature: "2", .relationWeight: "1",
                ])
            case .embedding:
                RecipeSettings([
                    .taskWeight: "0.5", .softTargetWeight: "1", .temperature: "1", .embeddingWeight: "100",
                    .cosineWeight: sameTokens ? "5" : "0", .epochs: "10", .learningRate: "3e-4",
                ])
            }
        }
    }

    /// What every recipe begins with.
    package static let standard = RecipeSettings([
        .epochs: "3", .learningRate: "5e-5", .batchSize: "32", .maxLength: "128", .precision: "fp32", .seed: "1",
        .warmup: "0.1", .weightDecay: "0.01", .clip: "5", .batchTokens: "8192", .taskWeight: "1",
        .softTargetWeight: "0", .temperature: "2", .logitWeight: "0", .cosineWeight: "0", .patientWeight: "0",
        .relationWeight: "0", .relationHeads: "12", .embeddingWeight: "0", .embeddingDistance: "mse",
        .maskedShare: "0.15", .family: "distilbert", .weights: "f32", .folds: "3", .pairs: "4",
    ])

    package let settings: RecipeSettings

    /// - Parameter given: what the user says, over a preset and over what is usual.
    package init(_ given: RecipeSettings, preset: Preset? = nil) {
        let chosen = preset?.settings(sameTokens: given.integer(.vocabulary) == nil) ?? RecipeSettings()
        settings = given.merged(over: chosen.merged(over: Self.standard))
    }

    package func integer(_ key: RecipeKey) -> Int {
        guard let value = settings.integer(key) else { preconditionFailure("\(key) has no usual value") }
        return value
    }

    package func number(_ key: RecipeKey) -> Double {
        guard let value = settings.number(key) else { preconditionFailure("\(key) has no usual value") }
        return value
    }

    package var seed: UInt64 { UInt64(integer(.seed)) }
    package var format: WeightFormat { settings.text(.precision) == "bf16" ? .bfloat16 : .float32 }

    /// What the model's file stores.
    package var elementType: ElementType {
        switch settings.text(.weights) {
        case "f16": .float16
        case "bf16": .bfloat16
        default: .float32
        }
    }

    /// What learns, and how fast.
    package var loop: LoopSettings {
        LoopSettings(
            epochs: integer(.epochs),
            batchSize: integer(.batchSize),
            learningRate: number(.learningRate),
            warmup: number(.warmup),
            optimizer: Optimizer.Settings(decay: number(.weightDecay), mostNorm: number(.clip)),
            seed: seed,
            mostTokens: integer(.batchTokens)
        )
    }

    /// What is dropped: as a configuration says, unless the recipe says otherwise.
    package func rates(_ configuration: ModelConfiguration, head: Double) -> DropoutRates {
        if let rate = settings.number(.dropout) {
            return DropoutRates(hidden: Float(rate), attention: Float(rate), head: Float(rate))
        }
        return DropoutRates(
            hidden: Float(configuration.dropouts.hidden),
            attention: Float(configuration.dropouts.attention),
            head: Float(head)
        )
    }

    /// The loss of a student of `layers` layers with a teacher of `teacherLayers`.
    package func objective(layers: Int, teacherLayers: Int) -> Objective {
        var objective = Objective()
        objective.task = number(.taskWeight)
        objective.softTargets = number(.softTargetWeight)
        objective.temperature = number(.temperature)
        objective.logits = number(.logitWeight)
        objective.cosine = number(.cosineWeight)
        objective.patient = number(.patientWeight)
        // All layers but the last follow evenly spread ones (PKD-skip).
        objective.patientLayers = (0..<max(0, layers - 1)).map { layer in
            Objective.LayerPair(student: layer, teacher: (layer + 1) * teacherLayers / layers - 1)
        }
        objective.relations = number(.relationWeight)
        objective.relationLayers = Objective.LayerPair(student: layers - 1, teacher: teacherLayers - 1)
        objective.relationHeads = integer(.relationHeads)
        objective.embedding = number(.embeddingWeight)
        objective.embeddingDistance =
            Objective.EmbeddingDistance(rawValue: settings.text(.embeddingDistance) ?? "") ?? .squaredError
        return objective
    }
}
