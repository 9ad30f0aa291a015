package import DistilBERT
package import ModelFiles
package import Tokenization
import Training

/// An example, or a window of one, as a model sees it.
package struct EncodedExample: Sendable {
    /// What is to be learnt from it.
    package enum Goal: Sendable, Hashable {
        case none
        case label(Int)
        case probabilities([Float])
        /// 0 to 1 for each label.
        case labelSet([Float])
        case value(Float)
        /// A label for each token; −1: none.
        case tokens([Int])
        /// First and last token of the answer; both the first token where the window has none.
        case span(ClosedRange<Int>)
        /// The cosine of the two texts' embeddings.
        case similarity(Float)
    }

    package var sequence: TokenSequence
    /// The second text of a pair whose embeddings are compared.
    package var other: TokenSequence?
    package var goal: Goal
    /// The place of the example in its data set.
    package let example: Int

    package var tokens: Int { sequence.ids.count + (other?.ids.count ?? 0) }
}

/// Makes tokens of examples, as the server will of requests.
package struct ExampleEncoder: Sendable {
    private let tokenizer: Tokenizer
    /// The most tokens of a sequence, special ones included.
    package let maxLength: Int
    private let takesTypes: Bool
    /// Tokens that neighbouring windows of a context share.
    private let stride: Int

    package init(_ tokenizer: Tokenizer, _ configuration: ModelConfiguration, maxLength: Int) {
        self.tokenizer = tokenizer
        self.maxLength = min(maxLength, configuration.maxPositions, tokenizer.specification.modelMaxLength ?? .max)
        takesTypes = configuration.typeVocabularySize > 1
        stride = self.maxLength / 3
    }

    /// - Returns: of each example one, or of a question as many as its context has windows; and how many were cut.
    package func encode(_ dataset: Dataset) throws(DistillationError) -> (examples: [EncodedExample], truncated: Int) {
        var result: [EncodedExample] = []
        result.reserveCapacity(dataset.count)
        var truncated = 0
        for (index, example) in dataset.examples.enumerated() {
            do throws(TokenizationError) {
                switch dataset.task {
                case .answer: result += try windows(example, index)
                case .embed where example.pair != nil:
                    let (first, second) = (try encode(example.text, nil), try encode(example.pair ?? "", nil))
                    if first.truncated || second.truncated { truncated += 1 }
                    var goal = EncodedExample.Goal.none
                    if case .value(let value) = example.target { goal = .similarity(value) }
                    result.append(
                        EncodedExample(sequence: sequence(first), other: sequence(second), goal: goal, example: index)
                    )
                default:
                    let encoding = try encode(example.text, example.pair)
                    if encoding.truncated { truncated += 1 }
                    result.append(
                        EncodedExample(
                            sequence: sequence(encoding),
                            other: nil,
                            goal: goal(example, encoding, dataset),
                            example: index
                        )
                    )
                }
            } catch {
                throw .failed("example \(index + 1): \(error.message)")
            }
        }
        return (result, truncated)
    }

    private func encode(_ text: String, _ pair: String?) throws(TokenizationError) -> Encoding {
        try tokenizer.encode(text, pair: pair, maxLength: maxLength, strategy: .longestFirst)
    }

    private func sequence(_ encoding: Encoding) -> TokenSequence {
        TokenSequence(ids: encoding.ids, types: takesTypes && encoding.typeIDs.contains(1) ? encoding.typeIDs : [])
    }

    private func goal(_ example: Example, _ encoding: Encoding, _ dataset: Dataset) -> EncodedExample.Goal {
        switch example.target {
        case .none, .answers: return .none
        case .label(let label): return .label(label)
        case .probabilities(let probabilities):
            return dataset.task == .multiLabel ? .labelSet(probabilities) : .probabilities(probabilities)
        case .labels(let numbers):
            var set = [Float](repeating: 0, count: dataset.labels.count)
            for number in numbers { set[number] = 1 }
            return .labelSet(set)
        case .value(let value): return .value(value)
        case .tags(let tags): return .tokens(firstPieces(example.words, tags, encoding))
        }
    }

    /// The label of each word at its first token, as `transformers` trains taggers.
    private func firstPieces(_ words: [String], _ tags: [Int], _ encoding: Encoding) -> [Int] {
        var starts: [Int32: Int] = [:]
        var place: Int32 = 0
        for (word, tag) in zip(words, tags) {
            starts[place] = tag
            place += Int32(word.unicodeScalars.count) + 1
        }
        return encoding.ids.indices.map { token in
            encoding.special[token] ? -1 : starts[encoding.offsets[token].start] ?? -1
        }
    }

    /// Windows of a context, each with the whole question.
    private func windows(_ example: Example, _ index: Int) throws(TokenizationError) -> [EncodedExample] {
        let encodings = try tokenizer.windows(
            example.text,
            pair: example.pair ?? "",
            maxLength: maxLength,
            stride: stride,
            strategy: .onlySecond
        ).encodings()
        var range: (start: Int32, end: Int32)?
        if case .answers(let answers) = example.target, let answer = answers.first {
            let start = Int32(answer.start)
            range = (start, start + Int32(answer.text.unicodeScalars.count))
        }
        return encodings.map { encoding in
            let goal: EncodedExample.Goal =
                if case .answers = example.target { .span(span(of: range, in: encoding)) } else { .none }
            return EncodedExample(sequence: sequence(encoding), other: nil, goal: goal, example: index)
        }
    }

    private func span(of range: (start: Int32, end: Int32)?, in encoding: Encoding) -> ClosedRange<Int> {
        guard let range, let separator = encoding.special.indices.dropFirst().first(where: { encoding.special[$0] })
        else { return 0...0 }
        let context = encoding.ids.indices.filter { $0 > separator && !encoding.special[$0] }
        let inside = context.filter { token in
            let offsets = encoding.offsets[token]
            return offsets.start < range.end && offsets.end > range.start
        }
        guard let first = inside.first, let last = inside.last, encoding.offsets[first].start <= range.start,
            encoding.offsets[last].end >= range.end
        else { return 0...0 }
        return first...last
    }
}
