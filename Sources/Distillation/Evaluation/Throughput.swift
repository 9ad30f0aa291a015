import LinuxSystem
import Messages
import Tasks

/// How many requests per second one core answers with a model: batches of one, one thread, tokenizing included.
package enum Throughput {
    /// Measures models in turn, so that what else the machine does slows them alike.
    ///
    /// - Parameters:
    ///   - models: each with one thread.
    ///   - texts: each is one request; at least one. Take some tens that are as long as those that will come.
    ///   - rounds: how often each model answers all texts after a first time, which does not count.
    /// - Returns: of each model the requests per second of each round; their median is the number to show.
    package static func measure(
        _ models: [ServedModel],
        texts: [Example],
        rounds: Int = 5
    ) throws(DistillationError) -> [[Double]] {
        guard !texts.isEmpty else { throw .usage("there is no text to measure the models with") }
        if let model = models.first(where: { $0.threads != 1 }) {
            throw .usage("\(model.directory) has \(model.threads) threads; requests per core are measured with one")
        }
        let requests = models.map { model in texts.map { model.request(for: $0) } }
        var rates = models.map { _ in [Double]() }
        for round in 0...rounds {
            for step in models.indices {
                // Each round begins with another model.
                let place = (step + round) % models.count
                let start = MonotonicClock.now
                for request in requests[place] { _ = try models[place].answers([request]) }
                let seconds = Double(MonotonicClock.now - start) / 1e9
                if round > 0 { rates[place].append(Double(texts.count) / seconds) }
            }
        }
        return rates
    }

    /// The middle one of some numbers, or the mean of the two in the middle; NaN of none.
    package static func median(_ values: [Double]) -> Double {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return .nan }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }
}

extension ServedModel {
    /// What a caller would ask the model about a text: what its head is for, or else the text's embedding.
    fileprivate func request(for example: Example) -> InferenceRequest {
        let input = TextInput(example)
        if model.tasks.contains(.classify) {
            return .classify(ClassifyRequest(inputs: [input], allLabels: true, truncation: .truncate))
        }
        if model.tasks.contains(.tagTokens) {
            return .tagTokens(TagTokensRequest(texts: [example.text], truncation: .truncate))
        }
        if model.tasks.contains(.answerQuestion) {
            let question = QuestionInput(question: example.text, context: example.pair ?? example.text)
            return .answerQuestion(AnswerQuestionRequest(inputs: [question]))
        }
        return .embed(EmbedRequest(inputs: [input], truncation: .truncate))
    }
}
