import ModelFiles

/// The first weights of a student: which values of its teacher each parameter takes, and which are new.
///
/// As in DistilBERT (arXiv 1910.01108): the student has some of the teacher's layers, which are copied; of a BERT teacher a
/// DistilBERT student has no token types, whose row 0 is added to the positions instead, and no pooler. A narrower student
/// takes the first of the hidden values, so that whole attention heads are kept, and the first of a feed-forward layer's.
/// The student of a DistilBERT that is a BERT adds nothing for token types.
///
/// | parameter | values |
/// |---|---|
/// | embeddings, norms of the embeddings | the teacher's |
/// | layers | the chosen ones of the teacher |
/// | head | the teacher's, where it is the same one with the same labels; a pooler that is another activation in the other family is not, nor what stands behind it |
/// | modules, and whatever else is new | weights N(0, σ²) with σ = `initializer_range`, biases 0, norms 1 and 0 |
package struct StudentInitialisation: Sendable {
    /// The values of one parameter of the student.
    package enum Values: Sendable {
        case copy(Copy)
        /// Random ones of this standard deviation, around 0.
        case normal(deviation: Double)
        case zeros
        case ones
        /// All scales, then all shifts.
        case onesThenZeros
    }

    /// A part of a parameter of the teacher.
    package struct Copy: Sendable {
        package let source: Parameter
        /// Places along the source's first dimension, one for each of the student's.
        package let rows: [Int]
        /// The first values of each such row, as many as the student has; 1 of a vector.
        package let columns: Int
        /// A row of another parameter that is added to each.
        package let addend: (source: Parameter, row: Int)?

        init(_ source: Parameter, rows: [Int], columns: Int = 1, addend: (source: Parameter, row: Int)? = nil) {
            self.source = source
            self.rows = rows
            self.columns = columns
            self.addend = addend
        }
    }

    /// The layers of the teacher that the student has, in its order.
    package let layers: [Int]
    private var values: [String: Values] = [:]

    /// - Parameters:
    ///   - layers: one of the teacher's for each of the student's; evenly spread ones if not given.
    ///   - words: the row of the teacher's word table for each of the student's (`VocabularyCut.kept`); nil: the same.
    package init(
        from teacher: NetworkPlan,
        to student: NetworkPlan,
        layers: [Int]? = nil,
        words: [Int]? = nil
    ) throws(StudentError) {
        let (old, new) = (teacher.configuration, student.configuration)
        try Self.check(old, new, words)
        self.layers = try Self.layers(layers, old, new)
        let hidden = new.hiddenSize
        let words = words ?? Array(0..<new.vocabularySize)
        let deviation = new.initializerRange

        set(student.embeddings.word, .copy(Copy(teacher.embeddings.word, rows: words, columns: hidden)))
        let folded = student.embeddings.type == nil ? teacher.embeddings.type.map { ($0, row: 0) } : nil
        let positions = Array(0..<new.maxPositions)
        set(
            student.embeddings.position,
            .copy(Copy(teacher.embeddings.position, rows: positions, columns: hidden, addend: folded))
        )
        if let type = student.embeddings.type {
            let rows = Array(0..<type.rows)
            set(type, teacher.embeddings.type.map { .copy(Copy($0, rows: rows, columns: hidden)) } ?? .zeros)
        }
        copy(teacher.embeddings.norm.parameters, to: student.embeddings.norm.parameters)
        for (own, other) in zip(student.layers, self.layers.map { teacher.layers[$0] }) {
            copy(other.parameters, to: own.parameters)
        }
        setHead(student, teacher, words, deviation)
        for module in student.modules {
            if case .layerNorm(_, let parameter) = module {
                set(parameter, .onesThenZeros)
            } else {
                module.linears.forEach { renew($0, deviation) }
            }
        }
    }

    /// What a parameter of the student, or of its modules, is made of.
    package subscript(parameter: Parameter) -> Values {
        guard let values = values[parameter.name] else {
            preconditionFailure("the student has no \(parameter.name)")
        }
        return values
    }

    // MARK: - Choosing

    /// The teacher's layers for a student of `count`: 0, 2, 4, 7, 9 and 11 of 12 for 6, as DistilBERT was made; otherwise
    /// ⌊i·`of`/`count`⌋, such as 0, 2 and 4 of 6 for 3.
    package static func spread(_ count: Int, of total: Int) -> [Int] {
        (count, total) == (6, 12) ? [0, 2, 4, 7, 9, 11] : (0..<count).map { $0 * total / count }
    }

    private static func layers(
        _ given: [Int]?,
        _ teacher: ModelConfiguration,
        _ student: ModelConfiguration
    ) throws(StudentError) -> [Int] {
        guard let given else {
            guard student.layers <= teacher.layers else {
                throw StudentError(
                    "a student of \(student.layers) layers is deeper than its teacher, which has \(teacher.layers); choose fewer, "
                        + "or say which layer each is made of"
                )
            }
            return spread(student.layers, of: teacher.layers)
        }
        guard given.count == student.layers, given.allSatisfy((0..<teacher.layers).contains) else {
            throw StudentError(
                "the teacher's layers \(given) do not make a student of \(student.layers) layers; give as many, each from 0 to "
                    + "\(teacher.layers - 1)"
            )
        }
        return given
    }

    private static func check(
        _ teacher: ModelConfiguration,
        _ student: ModelConfiguration,
        _ words: [Int]?
    ) throws(StudentError) {
        // A DistilBERT has none to copy, and restricts nothing.
        let types = teacher.typeVocabularySize == 0 ? student.typeVocabularySize : teacher.typeVocabularySize
        for (name, own, most) in [
            ("width", student.hiddenSize, teacher.hiddenSize),
            ("width of feed-forward layers", student.intermediateSize, teacher.intermediateSize),
            ("number of positions", student.maxPositions, teacher.maxPositions),
            ("number of token types", student.typeVocabularySize, types),
        ] where own > most {
            throw StudentError("the student's \(name), \(own), is more than its teacher's \(most); choose at most that")
        }
        guard student.headSize == teacher.headSize, student.hiddenSize.isMultiple(of: teacher.headSize) else {
            throw StudentError(
                "attention heads are kept whole, and the teacher's have \(teacher.headSize) values: a student of width "
                    + "\(student.hiddenSize) with \(student.heads) heads is not made of them; choose a width that is a multiple "
                    + "of \(teacher.headSize), with a head for each"
            )
        }
        let taken = words ?? Array(0..<student.vocabularySize)
        guard taken.count == student.vocabularySize, taken.allSatisfy((0..<teacher.vocabularySize).contains) else {
            throw StudentError(
                "the student has \(student.vocabularySize) words, and \(taken.count) rows were chosen of its teacher's table of "
                    + "\(teacher.vocabularySize); choose as many, of those"
            )
        }
    }

    private mutating func setHead(
        _ student: NetworkPlan,
        _ teacher: NetworkPlan,
        _ words: [Int],
        _ deviation: Double
    ) {
        let (own, other) = (student.head, teacher.head)
        let isTied = own.last?.weight.tensors == student.embeddings.word.tensors
        if case (.maskedLM, .maskedLM) = (own.head, other.head) {
            copy(other.first?.parameters ?? [], to: own.first?.parameters ?? [])
            copy(other.norm?.parameters ?? [], to: own.norm?.parameters ?? [])
            guard let decoder = own.last, let source = other.last else { return }
            let table = isTied ? teacher.embeddings.word : source.weight
            set(decoder.weight, .copy(Copy(table, rows: words, columns: decoder.inputs)))
            if let bias = decoder.bias, let old = source.bias { set(bias, .copy(Copy(old, rows: words))) }
            return
        }
        own.linears.forEach { renew($0, deviation) }
        if let norm = own.norm {
            set(norm.scale, .ones)
            set(norm.shift, .zeros)
        }
        // A decoder that is tied is the word table.
        if isTied, let decoder = own.last { set(decoder.weight, self[student.embeddings.word]) }
        // The pooler of one family has another activation than that of the other.
        let isSameFamily = student.configuration.family == teacher.configuration.family
        let hasPooler = own.first != nil && own.norm == nil
        if hasPooler {
            guard isSameFamily, other.norm == nil, let first = own.first, let source = other.first else { return }
            copy(source.parameters, to: first.parameters)
        }
        if own.head == other.head, student.configuration.labels == teacher.configuration.labels {
            copy(other.last?.parameters ?? [], to: own.last?.parameters ?? [])
        }
    }

    // MARK: - Setting

    private mutating func set(_ parameter: Parameter, _ value: Values) { values[parameter.name] = value }

    private mutating func renew(_ layer: Linear, _ deviation: Double) {
        set(layer.weight, .normal(deviation: deviation))
        if let bias = layer.bias { set(bias, .zeros) }
    }

    /// Copies parameters that are the same but for their width: of each of the parts of which their rows are made, the first.
    private mutating func copy(_ sources: [Parameter], to targets: [Parameter]) {
        for (source, target) in zip(sources, targets) {
            let parts = target.tensors.count
            let (have, want) = (source.shape[0] / parts, target.shape[0] / parts)
            let rows = (0..<parts).flatMap { part in part * have..<part * have + want }
            set(target, .copy(Copy(source, rows: rows, columns: target.shape.count == 1 ? 1 : target.columns)))
        }
    }
}

// MARK: - The values

extension StudentInitialisation {
    /// Writes the values of a parameter of the student.
    ///
    /// - Parameters:
    ///   - destination: room for all of them.
    ///   - seed: of the random ones: the same for the same seed, parameter and place, whatever else is made.
    ///   - teacher: the values of a parameter of the teacher.
    package func fill(
        _ parameter: Parameter,
        _ destination: UnsafeMutablePointer<Float>,
        seed: UInt64,
        teacher: (Parameter) -> UnsafePointer<Float>
    ) {
        let count = parameter.count
        switch self[parameter] {
        case .zeros: destination.update(repeating: 0, count: count)
        case .ones: destination.update(repeating: 1, count: count)
        case .onesThenZeros:
            destination.update(repeating: 1, count: count / 2)
            (destination + count / 2).update(repeating: 0, count: count / 2)
        case .normal(let deviation):
            let stream = NormalStream(seed: seed, name: parameter.name)
            for index in 0..<count { destination[index] = Float(deviation * stream[index]) }
        case .copy(let copy):
            let source = teacher(copy.source)
            let stride = copy.source.shape.dropFirst().reduce(1, *)
            for (place, row) in copy.rows.enumerated() {
                (destination + place * copy.columns).update(from: source + row * stride, count: copy.columns)
            }
            guard let (parameter, row) = copy.addend else { return }
            let addend = teacher(parameter) + row * parameter.columns
            for index in 0..<count { destination[index] += addend[index % copy.columns] }
        }
    }
}

/// Why a student cannot be made of a teacher, and what to choose instead. One sentence for people.
package struct StudentError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    init(_ description: String) { self.description = description }
}
