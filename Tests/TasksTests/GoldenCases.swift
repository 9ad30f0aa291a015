import Foundation
import Messages
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

    private func count(_ key: String) -> UInt32 { UInt32(number(key) ?? 0) }

    private var truncation: Truncation {
        switch text("overlong") {
        case "truncate": .truncate
        case "windows": .windows
        default: .error
        }
    }

    private var function: FunctionToApply {
        ["none": FunctionToApply.none, "sigmoid": .sigmoid, "softmax": .softmax][text("function")] ?? .default
    }

    var inferenceRequest: InferenceRequest {
        let input = TextInput(text(), pair: request["pair"] as? String)
        return switch task {
        case "classify":
            .classify(
                ClassifyRequest(
                    inputs: [input],
                    topK: count("top_k"),
                    allLabels: number("top_k") == nil,
                    functionToApply: function,
                    truncation: truncation,
                    windowPooling: text("pooling") == "max" ? .max : .mean,
                    stride: count("stride")
                )
            )
        case "tag": .tagTokens(tagTokensRequest)
        case "answer":
            .answerQuestion(
                AnswerQuestionRequest(
                    inputs: [QuestionInput(question: text("question"), context: text("context"))],
                    topK: count("top_k"),
                    maxAnswerLen: count("max_answer_len"),
                    maxSeqLen: count("max_seq_len"),
                    docStride: count("doc_stride"),
                    handleImpossibleAnswer: request["handle_impossible_answer"] as? Bool ?? false,
                    withoutWordAlignment: request["align_to_words"] as? Bool == false
                )
            )
        case "fill-mask":
            .fillMask(
                FillMaskRequest(
                    texts: [text()],
                    topK: count("top_k"),
                    targets: texts("targets") ?? [],
                    truncation: truncation
                )
            )
        case "zero-shot":
            .zeroShot(
                ZeroShotRequest(
                    texts: [text()],
                    labels: texts("labels") ?? [],
                    hypothesisTemplate: text("hypothesis_template"),
                    multiLabel: request["multi_label"] as? Bool ?? false
                )
            )
        case "rerank":
            .rerank(RerankRequest(query: text("query"), texts: texts("texts") ?? [], functionToApply: function))
        case "multiple-choice":
            .multipleChoice(
                MultipleChoiceRequest(inputs: [ChoiceInput(text: text(), choices: texts("choices") ?? [])])
            )
        case "features": .features(FeaturesRequest(inputs: [TextInput(text())]))
        case "embed": .embed(embedRequest)
        default: .infer(InferRequest(inputs: tensors))
        }
    }

    private var tagTokensRequest: TagTokensRequest {
        let strategies: [String: AggregationStrategy] = [
            "none": .none, "simple": .simple, "first": .first, "average": .average, "max": .max,
        ]
        return TagTokensRequest(
            texts: [text()],
            aggregationStrategy: strategies[text("strategy")] ?? .none,
            truncation: truncation,
            stride: count("stride"),
            ignoreLabels: texts("ignore") ?? [],
            ignoreNone: texts("ignore")?.isEmpty ?? false
        )
    }

    private var embedRequest: EmbedRequest {
        let normalizes = request["normalize_embeddings"] as? Bool
        return EmbedRequest(
            inputs: [TextInput(text())],
            normalization: normalizes.map { $0 ? .l2 : .none } ?? .default,
            truncateDim: count("truncate_dim"),
            promptName: request["prompt"] is String ? "" : text("prompt_name"),
            prompt: text("prompt"),
            hasPrompt: request["prompt"] is String
        )
    }

    private var tensors: [Tensor] {
        request.compactMap { name, value in
            guard let tensor = value as? [String: Any], let shape = tensor["shape"] as? [Int],
                let values = tensor["values"] as? [Int]
            else { return nil }
            return Tensor(name: name, shape: shape.map(UInt64.init), int64Data: values.map(Int64.init))
        }
    }
}

extension GoldenCase {
    /// Texts that transformers answers from the special tokens alone are refused here, and so are those of U+0000.
    var isRefusedHere: Bool {
        ["text", "question", "context"].contains { request[$0] as? String == "" }
    }
}
