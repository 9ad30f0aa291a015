package import Tensors

/// What a batch's answers should be.
package enum Supervision: Sendable {
    /// Nothing is known: the teacher alone says what to learn.
    case none
    /// A label of each sequence; negative: none.
    case labels([Int])
    /// Probabilities of each sequence's labels; all 0: none are known.
    case probabilities([[Float]])
    /// 0 to 1 for each sequence and label, row by row; NaN: none are known of that sequence.
    case labelSets([Float])
    /// A number for each sequence; NaN: none is known.
    case values([Float])
    /// A label of each token; negative: none.
    case tokens([Int])
    /// The first and the last token of each sequence's answer, counted in the sequence; negative: none is known.
    case spans([ClosedRange<Int>])
    /// Masked language modelling: the word that stood at each of these rows, ascending; negative: none is asked, and the
    /// teacher alone counts there.
    case words(rows: [Int], ids: [Int])
    /// Wanted cosines of some pairs of sequences.
    case pairs([WantedCosine])
}

/// What the cosine of two sequences' embeddings should be; the sequences are numbered as in their batch.
package struct WantedCosine: Sendable, Hashable {
    package let first: Int
    package let second: Int
    package let cosine: Float

    package init(_ first: Int, _ second: Int, _ cosine: Float) {
        self.first = first
        self.second = second
        self.cosine = cosine
    }
}

/// What the parts of a loss are means over. A step that is computed in parts weighs each part by its share of the whole step's, so
/// that its gradient is that of the step in one part.
package struct LossCounts: Sendable, Hashable {
    /// Rows, or pairs, of which the task says something.
    package var task: Int
    /// Rows whose probabilities are compared with the teacher's.
    package var softTargets: Int
    /// Rows of the head.
    package var logits: Int
    package var tokens: Int
    package var sequences: Int

    package static let zero = LossCounts(task: 0, softTargets: 0, logits: 0, tokens: 0, sequences: 0)

    package static func += (sum: inout LossCounts, other: LossCounts) {
        sum.task += other.task
        sum.softTargets += other.softTargets
        sum.logits += other.logits
        sum.tokens += other.tokens
        sum.sequences += other.sequences
    }
}

extension Supervision {
    /// The number of rows or pairs of which something is known.
    var count: Int {
        switch self {
        case .none: 0
        case .labels(let labels), .tokens(let labels), .words(_, let labels): labels.count { $0 >= 0 }
        case .probabilities(let rows): rows.count { row in row.contains { $0 > 0 } }
        case .labelSets(let values), .values(let values): values.count { !$0.isNaN }
        case .spans(let spans): spans.count { $0.lowerBound >= 0 }
        case .pairs(let pairs): pairs.count
        }
    }
}

/// The parts of a loss and their weights; 0 leaves one out.
package struct Objective: Sendable, Hashable {
    /// A layer of the student and the one of the teacher that it follows; counted from 0, and a layer's output is meant.
    package struct LayerPair: Sendable, Hashable {
        package let student: Int
        package let teacher: Int

        package init(student: Int, teacher: Int) {
            self.student = student
            self.teacher = teacher
        }
    }

    package enum EmbeddingDistance: String, Sendable, Hashable, CaseIterable {
        /// The mean over values of (student − teacher)².
        case squaredError = "mse"
        /// The mean over texts of 1 − cos.
        case cosine
    }

    /// The loss of the labels, or of the masked words.
    package var task = 0.0
    /// T²·KL(softmax(teacher / T) ‖ softmax(student / T)).
    package var softTargets = 0.0
    package var temperature = 2.0
    /// Whether tokens without a label have soft targets too.
    package var softTargetsOfAllTokens = true
    /// The mean squared error of logits.
    package var logits = 0.0
    /// 1 − cos of last hidden states.
    package var cosine = 0.0
    /// PKD's β: the distance of normalised first tokens' states in these pairs of layers.
    package var patient = 0.0
    package var patientLayers: [LayerPair] = []
    /// MiniLM v2's relations in one pair of layers.
    package var relations = 0.0
    package var relationLayers: LayerPair?
    package var relationHeads = 12
    /// The teacher's sentence embeddings.
    package var embedding = 0.0
    package var embeddingDistance = EmbeddingDistance.squaredError

    package init() {}

    /// The task alone.
    package static var task: Objective {
        var objective = Objective()
        objective.task = 1
        return objective
    }

    /// Whether the teacher's hidden states or projections are needed, which it computes anew for each batch.
    package var needsTeacherStates: Bool { cosine > 0 || patient > 0 || relations > 0 }
    package var needsTeacher: Bool { softTargets > 0 || logits > 0 || embedding > 0 || needsTeacherStates }
}

/// What a teacher computes of a batch, as far as the objective needs it.
package struct TeacherOutputs {
    /// As the student's logits.
    package var logits: Matrix?
    /// The last hidden states, [T, H′].
    package var hidden: Matrix?
    /// The states of first tokens after some layers, [sequences, H′] each.
    package var firstStates: [Int: Matrix] = [:]
    /// Queries, keys and values of the layer whose relations are followed, [T, 3H′].
    package var projections: Matrix?
    /// Sentence embeddings of length 1, [sequences, H′].
    package var embeddings: Matrix?

    package init() {}
}

/// The values of a loss's parts, each times its weight.
package struct LossValues: Sendable, Hashable {
    package var task = 0.0
    package var softTargets = 0.0
    package var logits = 0.0
    package var cosine = 0.0
    package var patient = 0.0
    package var relations = 0.0
    package var embedding = 0.0

    package init() {}

    package var total: Double { task + softTargets + logits + cosine + patient + relations + embedding }

    package static func += (sum: inout LossValues, other: LossValues) {
        sum.task += other.task
        sum.softTargets += other.softTargets
        sum.logits += other.logits
        sum.cosine += other.cosine
        sum.patient += other.patient
        sum.relations += other.relations
        sum.embedding += other.embedding
    }
}
