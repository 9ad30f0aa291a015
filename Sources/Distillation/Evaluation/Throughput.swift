import Messages
import Tasks

/// How many requests per second one core answers with a model: batches of one, one thread, tokenizing included.
package enum Throughput {
    /// Answers one request.
    package typealias Call = () throws -> Void

    /// The calls that answer texts, each as one request.
    ///
    /// - Parameter model: with one thread.
    package static func calls(_ model: ServedModel, _ texts: [Example]) throws(DistillationError) -> [Call] {
        guard model.threads == 1 else {
            throw .usage("\(model.directory) has \(model.threads) threads; requests per core are measured with one")
        }
        return texts.map { text in
            let request = model.request(for: text)
            return { _ = try model.answers([request]) }
        }
    }

    /// Measures systems in turn, so that what else the machine does slows them alike.
    ///
    /// - Parameters:
    ///   - systems: of each the calls that answer some tens of texts, which are as long as those that will come.
    ///   - rounds: how often each system answers all texts after a first time, which does not count.
    /// - Returns: of each system the requests per second of each round; their median is the number to show.
    package static func measure(_ systems: [[Call]], rounds: Int = 5) throws -> [[Double]] {
        guard systems.allSatisfy({ !$0.isEmpty }) else {
            throw DistillationError.usage("there is no text to measure the models with")
        }
        var rates = systems.map { _ in [Double]() }
        for round in 0...rounds {
            for step in systems.indices {
                // Each round begins with another system.
                let place = (step + round) % systems.count
                let start = ContinuousClock.now
                for call in systems[place] { try call() }
                let seconds = (ContinuousClock.now - start) / .seconds(1)
                if round > 0 { rates[place].append(Double(systems[place].count) / seconds) }
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
