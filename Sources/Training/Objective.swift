package import Tensors

/// What a batch's answers should be.
package enum Supervision: Sendable {
    /// Nothing is known: the teacher alone says what to learn.
    case none
    /// A label of each sequence; negative: none.
    case labels([Int])
    /// Probabilities of each sequence's labels.
    case probabilities([[Float]])
    /// 0 to 1 for each sequence and label, row by row.
    case labelSets([Float])
    /// A number for each sequence.
    case values([Float])
    /// A label of each token; negative: none.
    case tokens([Int])
    /// The first and the last token of each sequence's answer, counted in the sequence.
    case spans([ClosedRange<Int>])
    /// Masked language modelling: the word that stood at each of these rows, ascending; negative: none is asked, and the
    /// teacher alone counts there.
    case words(rows: [Int], ids: [Int])
    /// Wanted cosines: sequences 2i and 2i + 1 are a pair.
    case pairs([Float])
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
