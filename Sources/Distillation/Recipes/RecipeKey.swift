/// A setting of a recipe: its name in a recipe's file, and what it may be.
package enum RecipeKey: String, Sendable, Hashable, CaseIterable {
    case epochs
    case learningRate = "learning_rate"
    case batchSize = "batch_size"
    case maxLength = "max_length"
    case precision
    case seed
    case warmup
    case weightDecay = "weight_decay"
    case clip
    case dropout
    case batchTokens = "batch_tokens"
    case weights

    // The student.
    case layers
    case width
    case vocabulary
    case teacherLayers = "teacher_layers"
    case family

    // The parts of a loss.
    case taskWeight = "task_weight"
    case softTargetWeight = "soft_target_weight"
    case temperature
    case logitWeight = "logit_weight"
    case cosineWeight = "cosine_weight"
    case patientWeight = "patient_weight"
    case relationWeight = "relation_weight"
    case relationHeads = "relation_heads"
    case embeddingWeight = "embedding_weight"
    case embeddingDistance = "embedding_distance"
    case maskedShare = "masked_share"

    // Few labels.
    case folds
    case pairs

    enum Kind {
        case integer(ClosedRange<Int>)
        case number(ClosedRange<Double>)
        case choice([String])
        case integers
    }

    var kind: Kind {
        switch self {
        case .epochs: .integer(1...10_000)
        case .learningRate: .number(0...1)
        case .batchSize: .integer(1...65_536)
        case .maxLength: .integer(3...65_536)
        case .precision: .choice(["fp32", "bf16"])
        case .weights: .choice(["f32", "f16", "bf16"])
        case .seed: .integer(0...Int.max)
        case .warmup, .dropout, .maskedShare: .number(0...0.99)
        case .weightDecay: .number(0...1)
        case .clip: .number(1e-9...1e9)
        case .batchTokens: .integer(16...1 << 20)
        case .layers: .integer(1...1024)
        case .width: .integer(1...65_536)
        case .vocabulary: .integer(16...10_000_000)
        case .teacherLayers: .integers
        case .family: .choice(["distilbert", "bert"])
        case .temperature: .number(0.01...1000)
        case .taskWeight, .softTargetWeight, .logitWeight, .cosineWeight, .patientWeight, .relationWeight,
            .embeddingWeight:
            .number(0...1e9)
        case .relationHeads: .integer(1...1024)
        case .embeddingDistance: .choice(["mse", "cosine"])
        case .folds: .integer(2...20)
        case .pairs: .integer(0...1000)
        }
    }

    /// For people.
    package var help: String {
        switch self {
        case .epochs: "how often each example is seen"
        case .learningRate: "the highest learning rate; it rises in the first steps and falls to 0"
        case .batchSize: "examples of a step"
        case .maxLength: "tokens of a text; a longer one is cut"
        case .precision: "what products are computed in: fp32, or bf16 with fp32 weights"
        case .weights: "what the model's file stores: f32, f16 or bf16"
        case .seed: "of everything that is drawn"
        case .warmup: "the share of the steps in which the rate rises"
        case .weightDecay: "AdamW's; biases and LayerNorms do not decay"
        case .clip: "the longest gradient; a longer one is shortened"
        case .dropout: "of hidden states and attention; as config.json says if not given"
        case .batchTokens: "tokens that are computed at a time; a step of more is computed in parts"
        case .layers: "the student's layers"
        case .width: "the student's hidden size; a multiple of the size of the teacher's attention heads"
        case .vocabulary: "the student's word pieces: those that the texts need most"
        case .teacherLayers: "the teacher's layers that the student begins with, counted from 0"
        case .family: "what the student is: distilbert, without token types and pooler, or bert"
        case .taskWeight: "of the loss of the labels, or of the masked words"
        case .softTargetWeight: "of the divergence from the teacher's probabilities"
        case .temperature: "of the probabilities of both"
        case .logitWeight: "of the squared error of the logits"
        case .cosineWeight: "of the angle between last hidden states"
        case .patientWeight: "of the distance of first tokens' states layer by layer (PKD)"
        case .relationWeight: "of the divergence of relations of queries, keys and values (MiniLM v2)"
        case .relationHeads: "into how many heads these are cut"
        case .embeddingWeight: "of the distance of sentence embeddings"
        case .embeddingDistance: "how that is measured: mse or cosine"
        case .maskedShare: "the share of tokens that are to be guessed in raw text"
        case .folds: "parts of the cross-validation that chooses among methods for few labels"
        case .pairs:
            "pairs of the same label, and as many of different ones, for each text; 0: contrastive tuning is not tried"
        }
    }
}

/// Settings by their names; what is not there has been left to someone else.
package struct RecipeSettings: Sendable, Hashable {
    /// As they are written.
    package private(set) var values: [RecipeKey: String] = [:]

    package init() {}

    /// - Parameter values: as in a recipe's file; trapped where they are wrong, so for what is built in alone.
    init(_ values: KeyValuePairs<RecipeKey, String>) {
        for (key, value) in values { self.values[key] = value }
    }

    /// Sets a value after checking it.
    ///
    /// - Parameter source: where it was said, for messages: "--epochs" or a file and line.
    package mutating func set(_ key: RecipeKey, _ text: String, source: String) throws(DistillationError) {
        func refused(_ expectation: String) -> DistillationError {
            .usage("\(source): expected \(expectation), found '\(text)'")
        }
        switch key.kind {
        case .integer(let range):
            guard let value = Int(text), range.contains(value) else {
                throw refused("a whole number from \(range.lowerBound) to \(range.upperBound)")
            }
        case .number(let range):
            guard let value = Double(text), range.contains(value) else {
                throw refused("a number from \(range.lowerBound) to \(range.upperBound)")
            }
        case .choice(let choices):
            guard choices.contains(text) else { throw refused(choices.joined(separator: " or ")) }
        case .integers:
            guard let list = Self.integers(text) else { throw refused("whole numbers with commas between them") }
            values[key] = list.map { "\($0)" }.joined(separator: ",")
            return
        }
        values[key] = text
    }

    package func without(_ key: RecipeKey) -> RecipeSettings {
        var result = self
        result.values[key] = nil
        return result
    }

    /// What is here, and what `others` says of the rest.
    package func merged(over others: RecipeSettings) -> RecipeSettings {
        var result = others
        for (key, value) in values { result.values[key] = value }
        return result
    }

    package func integer(_ key: RecipeKey) -> Int? { values[key].flatMap { Int($0) } }
    package func number(_ key: RecipeKey) -> Double? { values[key].flatMap { Double($0) } }
    package func text(_ key: RecipeKey) -> String? { values[key] }
    package func integers(_ key: RecipeKey) -> [Int]? { values[key].flatMap { Self.integers($0) } }

    private static func integers(_ text: String) -> [Int]? {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { Int($0.trimmed) }
        return numbers.count == parts.count && numbers.allSatisfy { $0 >= 0 } ? numbers : nil
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0 == " " }
        let rest = start.reversed().drop { $0 == " " }.count
        return start.prefix(rest)
    }
}
