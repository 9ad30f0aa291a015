import Foundation
import Messages
import ModelFiles
import TestSupport
import Testing
import Wire

/// A request of every task through a real `modeld` and its workers, answered as `transformers` answers it: some cases of
/// Tests/TasksTests/Golden, on the models that belong to them.
@Suite(.timeLimit(.minutes(3))) struct TaskServingTests {
    private static let golden = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("TasksTests/Golden")

    private static let models = [
        "bert-three", "bert-entities", "distilbert-answers", "bert-masked", "distilbert-nli", "bert-one", "bert-choice",
        "distilbert-plain",
    ]

    /// A server with a model of every head.
    static func server() throws -> ModelServer {
        let file = try JSONNode(readingFile: golden.appendingPathComponent("models.json").path)
        var checkpoints: [String: SeededCheckpoint] = [:]
        for node in try file.required("models").elements() {
            let name = try node.required("name").string()
            if models.contains(name) {
                checkpoints["\(name)/1"] = try SeededCheckpoint(try node.required("checkpoint"))
            }
        }
        try #require(checkpoints.count == models.count)
        let server = try ModelServer(models: checkpoints)
        try server.waitUntil("every model is ready") { $0.contains("\"state\":\"READY\",\"models\"") }
        return server
    }

    /// The first few cases of each task that the pipeline answers.
    private func cases() throws -> [[String: Any]] {
        var taken: [String: Int] = [:]
        return try String(contentsOf: Self.golden.appendingPathComponent("cases.jsonl"), encoding: .utf8)
            .split(separator: "\n").compactMap { line in
                guard !line.contains("$LONG"),
                    let golden = try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any],
                    let model = golden["model"] as? String, Self.models.contains(model),
                    let task = golden["task"] as? String,
                    golden["expected"] is [Any] || golden["expected"] is [String: Any],
                    taken["\(model) \(task)", default: 0] < 3
                else { return nil }
                taken["\(model) \(task)", default: 0] += 1
                return golden
            }
    }

    @Test func everyTaskIsAnsweredThroughTheServer() throws {
        let server = try Self.server()
        var client = try RawClient.open(server.socket)
        var tasks: Set<String> = []
        for golden in try cases() {
            let task = golden["task"] as? String ?? ""
            guard let exchange = Exchange(task, golden["request"] as? [String: Any] ?? [:]) else { continue }
            tasks.insert(task)
            let stream = try client.start(
                exchange.method,
                model: golden["model"] as? String ?? "",
                payload: exchange.payload
            )
            let response = try client.response(stream)
            try #require(response.status == .ok, "\(golden): \(response.message)")
            let answer = try exchange.answer(response.payload)
            let expected = Self.flat(exchange.recorded(golden["expected"] ?? []))
            #expect(answer.count == expected.count, "\(golden): \(answer)")
            for (value, other) in zip(answer, expected) {
                if let number = value as? Float, let other = (other as? NSNumber)?.floatValue {
                    #expect(abs(number - other) < 1e-5, "\(golden): \(answer)")
                } else {
                    #expect("\(value)" == "\(other)", "\(golden): \(answer)")
                }
            }
        }
        #expect(
            tasks == [
                "classify", "tag", "answer", "fill-mask", "zero-shot", "rerank", "multiple-choice", "features", "infer",
            ]
        )
    }

    @Test func whatIsWrongIsRefusedByName() throws {
        let server = try Self.server()
        var client = try RawClient.open(server.socket)
        let requests: [(String, String, [UInt8], String)] = [
            (
                InferenceMethod.tagTokens.rawValue, "bert-three", TagTokensRequest(texts: ["a"]).encode(),
                "model: it is a Bert"
            ),
            (
                InferenceMethod.tagTokens.rawValue, "bert-entities",
                TagTokensRequest(texts: ["a"], truncation: .windows).encode(), "aggregation_strategy: "
            ),
            (
                InferenceMethod.answerQuestion.rawValue, "distilbert-answers",
                AnswerQuestionRequest(inputs: [QuestionInput(question: "a", context: "")]).encode(),
                "inputs[0].context: "
            ),
            (
                InferenceMethod.fillMask.rawValue, "bert-masked", FillMaskRequest(texts: ["a"]).encode(),
                "texts[0]: there is no [MASK]"
            ),
            (InferenceMethod.zeroShot.rawValue, "distilbert-nli", ZeroShotRequest(texts: ["a"]).encode(), "labels: "),
            (InferenceMethod.rerank.rawValue, "bert-one", RerankRequest(query: "", texts: ["a"]).encode(), "query: "),
            (
                InferenceMethod.infer.rawValue, "distilbert-plain",
                InferRequest(inputs: [Tensor(name: "input_ids", shape: [1, 1], int64Data: [-1])]).encode(),
                "input_ids: "
            ),
            (
                InferenceMethod.embed.rawValue, "distilbert-plain",
                EmbedRequest(inputs: [TextInput(text: "a")], promptName: "x").encode(), "prompt_name: "
            ),
        ]
        for (method, model, payload, message) in requests {
            let response = try client.response(try client.start(method, model: model, payload: payload))
            #expect(response.status == .invalidArgument, "\(method): \(response.message)")
            #expect(response.message.hasPrefix(message), "\(method): \(response.message)")
        }
    }

    /// Lists within lists, as one list.
    private static func flat(_ value: Any) -> [Any] { (value as? [Any])?.flatMap(flat) ?? [value] }
}

/// A golden case as messages of the wire.
private struct Exchange {
    let method: String
    let payload: [UInt8]
    /// The parts of the answer, in the order in which `ops/golden-tasks` records them.
    let answer: ([UInt8]) throws -> [Any]
    /// What is recorded of them.
    var recorded: (Any) -> Any = { $0 }

    init?(_ task: String, _ request: [String: Any]) {
        func text(_ key: String = "text") -> String { request[key] as? String ?? "" }
        func texts(_ key: String) -> [String] { request[key] as? [String] ?? [] }
        switch task {
        case "classify":
            let input = TextInput(text: text())
            guard request.count == 1 else { return nil }
            method = InferenceMethod.classify.rawValue
            payload = ClassifyRequest(inputs: [input], allLabels: true).encode()
            answer = { try ClassifyResponse.decode($0).results[0].scores.flatMap { [$0.label, $0.score] } }
        case "tag":
            method = InferenceMethod.tagTokens.rawValue
            payload = TagTokensRequest(texts: [text()]).encode()
            answer = {
                try TagTokensResponse.decode($0).results[0].entities.flatMap {
                    [$0.label, $0.score, $0.word, $0.start, $0.end, $0.index]
                }
            }
        case "answer":
            method = InferenceMethod.answerQuestion.rawValue
            payload =
                AnswerQuestionRequest(
                    inputs: [QuestionInput(question: text("question"), context: text("context"))],
                    topK: UInt32(request["top_k"] as? Int ?? 0),
                    handleImpossibleAnswer: request["handle_impossible_answer"] as? Bool ?? false
                ).encode()
            answer = {
                try AnswerQuestionResponse.decode($0).results[0].answers.flatMap {
                    [$0.answer, $0.score, $0.start, $0.end]
                }
            }
        case "fill-mask":
            method = InferenceMethod.fillMask.rawValue
            payload = FillMaskRequest(texts: [text()], topK: UInt32(request["top_k"] as? Int ?? 0)).encode()
            answer = {
                try FillMaskResponse.decode($0).results[0].masks.flatMap { mask in
                    mask.tokens.flatMap { [$0.token, $0.tokenStr, $0.score, $0.sequence] }
                }
            }
        case "zero-shot":
            method = InferenceMethod.zeroShot.rawValue
            payload = ZeroShotRequest(texts: [text()], labels: texts("labels")).encode()
            answer = { try ZeroShotResponse.decode($0).results[0].scores.flatMap { [$0.label, $0.score] } }
        case "rerank":
            method = InferenceMethod.rerank.rawValue
            payload =
                RerankRequest(
                    query: text("query"),
                    texts: texts("texts"),
                    functionToApply: text("function") == "none" ? .none : .default
                ).encode()
            answer = { try RerankResponse.decode($0).results.map(\.score) }
        case "multiple-choice":
            method = InferenceMethod.multipleChoice.rawValue
            payload = MultipleChoiceRequest(inputs: [ChoiceInput(text: text(), choices: texts("choices"))]).encode()
            answer = { try MultipleChoiceResponse.decode($0).results[0].scores }
        case "features":
            method = InferenceMethod.features.rawValue
            payload = FeaturesRequest(inputs: [TextInput(text: text())]).encode()
            recorded = { ($0 as? [String: Any])?["values"] ?? [] }
            answer = { payload in
                let values = try FeaturesResponse.decode(payload).results[0].values
                return Self.sampled(values)
            }
        case "infer":
            method = InferenceMethod.infer.rawValue
            let tensors = request.compactMap { name, value -> Tensor? in
                guard let tensor = value as? [String: Any], let shape = tensor["shape"] as? [Int],
                    let values = tensor["values"] as? [Int]
                else { return nil }
                return Tensor(name: name, shape: shape.map(UInt64.init), int64Data: values.map(Int64.init))
            }
            payload = InferRequest(inputs: tensors).encode()
            recorded = { outputs in
                (outputs as? [String: [String: Any]] ?? [:]).sorted { $0.key < $1.key }.map { $0.value["values"] ?? [] }
            }
            answer = { payload in
                try InferResponse.decode(payload).outputs.sorted { $0.name < $1.name }.flatMap {
                    Self.sampled($0.floatData)
                }
            }
        default: return nil
        }
    }

    /// At most some 200 values, as the script takes them.
    private static func sampled(_ values: [Float]) -> [Any] {
        stride(from: 0, to: values.count, by: values.count / 200 + 1).map { values[$0] }
    }
}
