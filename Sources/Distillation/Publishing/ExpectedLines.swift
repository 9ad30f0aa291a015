import AnswerForms
import JSON
import Messages
import ModelFiles
import Tasks

/// Makes `expected.jsonl` of a model's own answers: a server whose answers differ by more than the tolerance does not
/// serve the model. It finds a damaged file, another tokenizer and an instruction set at fault; that the answers are those
/// of `transformers` is what `ops/expected-answers` shows.
enum ExpectedLines {
    /// As `ExpectedAnswer` takes it where a line does not say.
    private static let tolerance: Float = 1e-4
    /// Longer texts are left out, so that no model has to cut them.
    private static let longestText = 400
    /// Lines of a task, and of tokens.
    private static let (mostAnswers, mostTokens, mostEmbeddings) = (24, 8, 8)
    /// Labels of a line.
    private static let mostLabels = 5

    /// - Parameters:
    ///   - task: of the model.
    ///   - texts: to ask; none: some that are built in.
    static func make(_ model: ServedModel, _ task: TrainingTask, _ texts: [Example]) throws(DistillationError)
        -> SmallFile
    {
        var lines: [String] = []
        let short = texts.filter { $0.text.unicodeScalars.count + ($0.pair?.unicodeScalars.count ?? 0) <= longestText }
        // Texts of the test first; where all of them are long, what is built in.
        for texts in [short, builtIn] where lines.isEmpty {
            lines = answers(model, task, texts)
            guard !lines.isEmpty else { continue }
            for example in texts.prefix(mostTokens) {
                if let line = line(model, .tokenize, input(example), nil) { lines.append(line) }
            }
        }
        guard !lines.isEmpty else {
            throw .failed("\(model.directory): it answers none of the texts that expected.jsonl would be made of")
        }
        return SmallFile(name: ExpectedAnswers.fileName, text: lines.map { $0 + "\n" }.joined())
    }

    private static func answers(_ model: ServedModel, _ task: TrainingTask, _ texts: [Example]) -> [String] {
        switch task {
        case .classify, .multiLabel, .regression:
            return texts.prefix(mostAnswers).compactMap { example in
                guard let kept = keptLabels(model, example) else { return nil }
                return line(model, .classify, input(example), JSONText.object(["top_k": kept]))
            }
        case .tag:
            return texts.prefix(mostAnswers).compactMap {
                line(model, .tagTokens, JSONText.object(["text": $0.text]), nil)
            }
        case .answer:
            return texts.prefix(mostAnswers).compactMap {
                let input = JSONText.object(["question": $0.text, "context": $0.pair ?? $0.text])
                return line(model, .answerQuestion, input, nil)
            }
        case .embed: return texts.prefix(mostEmbeddings).compactMap { line(model, .embed, input($0), nil) }
        }
    }

    private static func input(_ example: Example) -> JSONText {
        guard let pair = example.pair else { return JSONText.object(["text": example.text]) }
        return JSONText.object(["text": example.text, "text_pair": pair])
    }

    /// A line with the model's answer; nil where it has none.
    private static func line(
        _ model: ServedModel,
        _ method: InferenceMethod,
        _ input: JSONText,
        _ options: JSONText?
    ) -> String? {
        guard let request = try? InferenceRequest(method, input: parsed(input), options: options.map(parsed)),
            let answer = try? request.form(of: model.model.answer(request))
        else { return nil }
        var members: [(key: String, value: any JSONWritable)] = [("task", method.task), ("input", input)]
        if let options { members.append(("options", options)) }
        return JSONText.object(members + [("answer", answer)]).json
    }

    private static func parsed(_ text: JSONText) -> JSONValue {
        guard let value = try? JSONValue.parse(Array(text.json.utf8)) else {
            preconditionFailure("what was written is JSON")
        }
        return value
    }

    /// How many of the best labels have scores so far apart that rounding cannot change their order; nil where not even the
    /// best one has.
    private static func keptLabels(_ model: ServedModel, _ example: Example) -> Int? {
        let input = TextInput(example)
        guard
            case .classify(let answer)? = try? model.model.answer(
                .classify(ClassifyRequest(inputs: [input], allLabels: true))
            ),
            let scores = answer.results.first?.scores.map(\.score)
        else { return nil }
        let most = min(mostLabels, scores.count)
        let close = (0..<most).first { $0 + 1 < scores.count && scores[$0] - scores[$0 + 1] < 2 * tolerance }
        let kept = close ?? most
        return kept > 0 ? kept : nil
    }

    private static let builtIn = [
        "The package arrived two days late.", "What a wonderful surprise!", "I cannot log in to my account.",
        "Prices rose by 3.5 % in March.", "Please cancel my order, thank you.", "Is this available in blue?",
        "THIS IS NOT ACCEPTABLE!!!", "Zürich and São Paulo are far apart.", "naïve café, œuvre", "日本語のテキスト",
        "Where is my card? It hasn't come yet.", "ok", "e-mail: someone@example.com", "It's 5 o'clock somewhere :-)",
    ].map { Example(text: $0) }
}
