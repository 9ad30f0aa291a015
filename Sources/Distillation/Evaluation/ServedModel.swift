import DistilBERT
import LinuxSystem
import Messages
import ModelFiles
import Tasks
package import Tensors

/// A model folder, run as `modelworker` runs it: packed, in one of its variants, by the serving engine. What is
/// measured of it is what its callers get.
///
/// Used by one thread, which leads the `threads` that compute.
package final class ServedModel {
    package let directory: String
    package let variant: WeightFormat
    package let threads: Int
    /// The size of its pack, which a server maps.
    package let packBytes: Int
    /// The numbers that it has learned.
    package let parameters: Int
    /// `contents(of:)` its folder.
    package let contents: String
    let model: Model

    /// - Throws: `DistillationError` of kind `failed`, which names the file at fault.
    package init(
        directory: String,
        variant: WeightFormat = .float32,
        threads: Int = 1
    ) throws(DistillationError) {
        self.directory = directory
        self.variant = variant
        self.threads = threads
        let team = try computeTeam(threads: threads)
        do {
            let source = try PackSource(directory: directory)
            let packer = try ModelPacker(source, variant: variant.rawValue)
            let file = try MemoryFile.create(name: "pack", size: 0)
            try packer.write(to: file.rawValue)
            packBytes = packer.byteCount
            contents = source.contents
            model = try Model(pack: try PackFile(descriptor: file.rawValue), team: team)
        } catch {
            throw .failed("\(directory): \(error)")
        }
        parameters = model.plan.parameters.reduce(0) { $0 + $1.count }
    }

    /// A hash of what a folder's files hold, 16 hexadecimal digits: recognises weights, defends against nobody.
    package static func contents(of directory: String) throws(DistillationError) -> String {
        do throws(EngineError) {
            return try PackSource(directory: directory).contents
        } catch {
            throw .failed("\(directory): \(error)")
        }
    }

    /// The names of the head's outputs.
    package var labels: [String] { model.configuration.labels }

    /// Answers requests, one per example, the short ones first; the answers are in the order of the requests.
    func answers(_ requests: [InferenceRequest]) throws(DistillationError) -> [InferenceResponse] {
        var tasks: [PreparedTask] = []
        tasks.reserveCapacity(requests.count)
        for (index, request) in requests.enumerated() {
            do throws(TaskError) {
                tasks.append(try model.prepare(request))
            } catch {
                throw failure(index, error)
            }
        }
        var run = BatchRun(model: model, maxStepTokens: Self.stepTokens)
        for index in tasks.indices.sorted(by: { (tasks[$0].tokens, $0) < (tasks[$1].tokens, $1) }) {
            run.add(tasks[index], id: UInt64(index))
        }
        var answers = tasks.map(\.immediate)
        while let step = run.nextStep(keep: { _ in true }) {
            for (id, result) in run.perform(step) {
                do throws(TaskError) {
                    answers[Int(id)] = try result.get()
                } catch {
                    throw failure(Int(id), error)
                }
            }
        }
        let found = answers.compactMap { $0 }
        guard found.count == requests.count else {
            throw .failed("\(directory): \(requests.count - found.count) of \(requests.count) examples got no answer")
        }
        return found
    }

    /// As a worker's steps are.
    private static let stepTokens = 512

    private func failure(_ index: Int, _ error: TaskError) -> DistillationError {
        .failed("\(directory): example \(index + 1): \(error)")
    }
}

// MARK: - What a model says of examples

extension ServedModel {
    /// The head's outputs of each example, before any softmax: [examples, labels].
    package func logits(of examples: [Example]) throws(DistillationError) -> [[Float]] {
        var places: [String: Int] = [:]
        for (place, label) in labels.enumerated() { places[label] = place }
        guard places.count == labels.count else {
            throw .failed("\(directory)/config.json: two of the labels in id2label have the same name; rename one")
        }
        let requests = examples.map { example in
            InferenceRequest.classify(
                ClassifyRequest(
                    inputs: [TextInput(example)],
                    allLabels: true,
                    functionToApply: .none,
                    truncation: .truncate
                )
            )
        }
        return try answers(requests).map { answer in
            guard case .classify(let response) = answer, let result = response.results.first else { return [] }
            var row = Array(repeating: Float(0), count: labels.count)
            for score in result.scores {
                if let place = places[score.label] { row[place] = score.score }
            }
            return row
        }
    }

    /// The probability of each label for each example, [examples, labels]: the softmax of the logits.
    package func probabilities(of examples: [Example]) throws(DistillationError) -> [[Float]] {
        try logits(of: examples).map { softmax($0).map { Float($0) } }
    }

    /// A tag for each word of each example: that of the word's first token; "O" where the model read no further.
    package func tags(of examples: [Example]) throws(DistillationError) -> [[String]] {
        let requests = examples.map { example in
            InferenceRequest.tagTokens(
                TagTokensRequest(
                    texts: [example.text],
                    aggregationStrategy: .none,
                    truncation: .truncate,
                    ignoreNone: true
                )
            )
        }
        return try zip(examples, answers(requests)).map { example, answer in
            guard case .tagTokens(let response) = answer, let result = response.results.first else { return [] }
            var entities = result.entities[...]
            var start = 0
            return example.words.map { word in
                let end = start + word.unicodeScalars.count
                entities = entities.drop { Int($0.start) < start }
                defer { start = end + 1 }
                guard let first = entities.first, Int(first.start) < end else { return "O" }
                return first.label
            }
        }
    }

    /// The answer to each question, whose context is the example's pair; empty where there is none.
    ///
    /// - Parameter mayBeImpossible: whether the model may say that the context has no answer.
    package func answers(
        to examples: [Example],
        mayBeImpossible: Bool
    ) throws(DistillationError) -> [String] {
        let requests = examples.map { example in
            InferenceRequest.answerQuestion(
                AnswerQuestionRequest(
                    inputs: [QuestionInput(question: example.text, context: example.pair ?? "")],
                    maxAnswerLen: 30,
                    handleImpossibleAnswer: mayBeImpossible
                )
            )
        }
        return try answers(requests).map { answer in
            guard case .answerQuestion(let response) = answer else { return "" }
            return response.results.first?.answers.first?.answer ?? ""
        }
    }

    /// The sentence embedding of each text.
    package func embeddings(of texts: [String]) throws(DistillationError) -> [[Float]] {
        let requests = texts.map { text in
            InferenceRequest.embed(EmbedRequest(inputs: [TextInput(text)], truncation: .truncate))
        }
        return try answers(requests).map { answer in
            guard case .embed(let response) = answer else { return [] }
            return response.results.first?.values ?? []
        }
    }
}

extension TextInput {
    init(_ example: Example) { self.init(example.text, pair: example.pair) }
}

/// eˣⁱ / Σ eˣ
func softmax(_ logits: [Float]) -> [Double] {
    let top = Double(logits.max() ?? 0)
    let powers = logits.map { PlainFunctions.exp(Double($0) - top) }
    let sum = powers.reduce(0, +)
    return powers.map { $0 / sum }
}

/// 1 / (1 + e⁻ˣ)
func sigmoid(_ logit: Float) -> Double { 1 / (1 + PlainFunctions.exp(-Double(logit))) }

/// The place of the largest value, the first of equal ones.
func argmax(_ values: [Double]) -> Int {
    values.indices.reduce(0) { values[$1] > values[$0] ? $1 : $0 }
}
