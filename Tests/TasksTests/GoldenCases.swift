import Foundation
import Tasks

/// A line of Golden/cases.jsonl: what a pipeline was asked and what it answered.
struct GoldenCase {
    let model: String
    let task: String
    let request: [String: Any]
    /// As `ops/golden-tasks` records the answers of the task; nil where the pipeline raises.
    let expected: Any?

    static func all(of model: String) throws -> [GoldenCase] {
        let path = GoldenModels.golden.appendingPathComponent("cases.jsonl")
        let long = try String(decoding: JSONEncoder().encode(GoldenModels.longText), as: UTF8.self)
        return try String(contentsOf: path, encoding: .utf8).split(separator: "\n").compactMap { line in
            guard line.hasPrefix("{\"model\":\"\(model)\",") else { return nil }
            let text = line.replacingOccurrences(of: "\"$LONG\"", with: long)
            return GoldenCase(try JSONSerialization.jsonObject(with: Data(text.utf8)), of: model)
        }
    }

    init?(_ node: Any, of model: String) {
        guard let object = node as? [String: Any], let task = object["task"] as? String,
            let request = object["request"] as? [String: Any]
        else { return nil }
        self.model = model
        self.task = task
        self.request = request
        expected = object["expected"].flatMap { $0 is NSNull ? nil : $0 }
    }

    // MARK: - The request

    func text(_ key: String = "text") -> String { request[key] as? String ?? "" }
    func number(_ key: String) -> Int? { request[key] as? Int }
    func texts(_ key: String) -> [String]? { request[key] as? [String] }

    private var overlong: Overlong {
        switch text("overlong") {
        case "truncate": .truncate
        case "windows": .windows
        default: .error
        }
    }

    private var function: ScoreFunction? {
        ["none": ScoreFunction.none, "sigmoid": .sigmoid, "softmax": .softmax][text("function")]
    }

    var taskRequest: TaskRequest {
        switch task {
        case "classify":
            .classify(
                [TaskText(text(), pair: request["pair"] as? String)],
                ClassifyOptions(
                    topK: number("top_k"),
                    function: function,
                    overlong: overlong,
                    windowPooling: text("pooling") == "max" ? .max : .mean,
                    stride: number("stride")
                )
            )
        case "tag": .tag([text()], tagOptions)
        case "answer":
            .answer(
                [Question(text("question"), context: text("context"))],
                AnswerOptions(
                    topK: number("top_k") ?? 1,
                    maxAnswerLength: number("max_answer_len") ?? 15,
                    maxSequenceLength: number("max_seq_len"),
                    stride: number("doc_stride"),
                    handlesImpossible: request["handle_impossible_answer"] as? Bool ?? false,
                    alignsToWords: request["align_to_words"] as? Bool ?? true
                )
            )
        case "fill-mask":
            .fillMask(
                [text()],
                FillMaskOptions(topK: number("top_k") ?? 5, targets: texts("targets"), overlong: overlong)
            )
        case "zero-shot":
            .zeroShot(
                [text()],
                ZeroShotOptions(
                    labels: texts("labels") ?? [],
                    hypothesisTemplate: request["hypothesis_template"] as? String,
                    multiLabel: request["multi_label"] as? Bool ?? false
                )
            )
        case "rerank": .rerank(query: text("query"), texts("texts") ?? [], RerankOptions(function: function))
        case "multiple-choice":
            .multipleChoice([ChoiceQuestion(text(), choices: texts("choices") ?? [])], ChoiceOptions())
        case "features": .features([TaskText(text())], .error)
        case "embed": .embed([TaskText(text())], embedOptions)
        default: .infer(tensors, outputs: [])
        }
    }

    private var tagOptions: TagOptions {
        let strategies: [String: TagOptions.Aggregation] = [
            "none": .none, "simple": .simple, "first": .first, "average": .average, "max": .max,
        ]
        return TagOptions(
            aggregation: strategies[text("strategy")] ?? .none,
            ignoredLabels: texts("ignore") ?? ["O"],
            overlong: overlong,
            stride: number("stride")
        )
    }

    private var embedOptions: EmbedOptions {
        EmbedOptions(
            normalize: request["normalize_embeddings"] as? Bool,
            dimensions: number("truncate_dim"),
            prompt: (request["prompt"] as? String).map { .text($0) }
                ?? (request["prompt_name"] as? String).map { .named($0) } ?? .standard
        )
    }

    private var tensors: [RawTensor] {
        request.compactMap { name, value in
            guard let tensor = value as? [String: Any], let shape = tensor["shape"] as? [Int],
                let values = tensor["values"] as? [Int]
            else { return nil }
            return RawTensor(name: name, shape: shape, values: .integers(values.map(Int64.init)))
        }
    }
}

extension GoldenCase {
    /// Texts that transformers answers from the special tokens alone are refused here, and so are those of U+0000.
    var isRefusedHere: Bool {
        ["text", "question", "context"].contains { request[$0] as? String == "" }
    }
}
