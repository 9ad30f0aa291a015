import Foundation
import ModelClient

/// A call as the Python client is to make it, and what our client was answered, in the names of the wire.
struct PythonCall {
    let name: String
    var arguments: [Any] = []
    var options: [String: Any] = [:]
    let answer: Any

    /// The line that `ask.py` reads.
    var line: String {
        get throws {
            let object: [String: Any] = ["call": name, "arguments": arguments, "options": options]
            return String(
                decoding: try JSONSerialization.data(withJSONObject: object, options: .sortedKeys),
                as: UTF8.self
            )
        }
    }

    /// The names of all calls.
    static let names: Set = [
        "status", "classify", "embed", "features", "tokenize", "tag", "answer", "fill_mask", "zero_shot", "rerank",
        "multiple_choice", "infer",
    ]

    /// Every task with its defaults and with options, on the models of `TaskServingTests.server()`.
    static func ofEveryTask(_ client: ModelClient) async throws -> [PythonCall] {
        try await texts(client) + tokens(client) + answers(client) + comparisons(client) + rest(client)
    }

    /// Characters of one, two, three and four bytes, and of several scalars.
    private static let text = "Ada's café in 東京 👩‍👧, e\u{301}t of 12 words."
    private static let long = String(repeating: "the word of \(text) ", count: 60)

    private static func texts(_ client: ModelClient) async throws -> [PythonCall] {
        func shape(_ answer: Classification) -> [String: Any] {
            [
                "scores": answer.scores.map { ["label": $0.label, "score": $0.score] as [String: Any] },
                "tokens": answer.tokens, "truncated": answer.truncated, "windows": answer.windows,
            ]
        }
        func shape(_ answer: Embedding) -> [String: Any] {
            ["values": answer.values, "tokens": answer.tokens, "truncated": answer.truncated]
        }
        let inputs: [TextInput] = [.init(text), .init(text, pair: "and a pair")]
        let windows = ClassifyOptions(
            labels: .all,
            function: .sigmoid,
            truncation: .windows,
            windowPooling: .max,
            stride: 16
        )
        let cut = EmbedOptions(pooling: .cls, normalization: .l2, dimensions: 7, truncation: .truncate)
        let (three, plain) = ("bert-three", "distilbert-plain")
        let best = try await client.classify(inputs, model: three)
        let all = try await client.classify([long], model: three, options: windows)
        let vectors = try await client.embed(inputs, model: plain)
        let short = try await client.embed([long], model: plain, options: cut)
        return [
            PythonCall(name: "classify", arguments: [three, [text, [text, "and a pair"]]], answer: best.map(shape)),
            PythonCall(
                name: "classify",
                arguments: [three, [long]],
                options: [
                    "all_labels": true, "function_to_apply": "sigmoid", "truncation": "windows",
                    "window_pooling": "max", "stride": 16, "timeout": 60,
                ],
                answer: all.map(shape)
            ),
            PythonCall(name: "embed", arguments: [plain, [text, [text, "and a pair"]]], answer: vectors.map(shape)),
            PythonCall(
                name: "embed",
                arguments: [plain, [long]],
                options: ["pooling": "cls", "normalization": "l2", "truncate_dim": 7, "truncation": "truncate"],
                answer: short.map(shape)
            ),
        ]
    }

    private static func tokens(_ client: ModelClient) async throws -> [PythonCall] {
        let encoded = try await client.tokenize(
            text,
            pair: "and a pair",
            model: "bert-three",
            options: TokenizeOptions(addsSpecialTokens: false)
        )
        let features = try await client.features(text, model: "distilbert-plain")
        func shape(_ answer: TaggedText) -> [String: Any] {
            [
                "entities": answer.entities.map { entity -> [String: Any] in
                    [
                        "label": entity.label, "score": entity.score, "word": entity.word,
                        "start": entity.offsets.lowerBound, "end": entity.offsets.upperBound,
                        "index": entity.tokenIndex ?? 0,
                    ]
                },
                "tokens": answer.tokens, "truncated": answer.truncated, "windows": answer.windows,
            ]
        }
        let options = TagOptions(aggregation: .average, ignoredLabels: [])
        let pieces = try await client.tag([text], model: "bert-entities", options: TagOptions(aggregation: .none))
        let words = try await client.tag([text, "of"], model: "bert-entities", options: options)
        return [
            PythonCall(
                name: "tokenize",
                arguments: ["bert-three", [[text, "and a pair"]]],
                options: ["without_special_tokens": true],
                answer: [
                    [
                        "ids": encoded.ids, "type_ids": encoded.typeIDs, "starts": encoded.offsets.map(\.lowerBound),
                        "ends": encoded.offsets.map(\.upperBound), "special": encoded.isSpecial,
                        "word_ids": encoded.wordIDs.map { $0 ?? -1 }, "tokens": encoded.tokens,
                        "truncated": encoded.truncated,
                    ] as [String: Any]
                ]
            ),
            PythonCall(
                name: "features",
                arguments: ["distilbert-plain", [text]],
                answer: [
                    [
                        "tokens": features.tokens, "hidden": features.hidden, "values": features.values,
                        "truncated": features.truncated,
                    ] as [String: Any]
                ]
            ),
            PythonCall(name: "tag", arguments: ["bert-entities", [text]], answer: pieces.map(shape)),
            PythonCall(
                name: "tag",
                arguments: ["bert-entities", [text, "of"]],
                options: ["aggregation_strategy": "average", "ignore_none": true],
                answer: words.map(shape)
            ),
        ]
    }

    private static func answers(_ client: ModelClient) async throws -> [PythonCall] {
        let options = AnswerOptions(count: 3, windowTokens: 64, stride: 16, mayBeUnanswerable: true)
        let answer = try await client.answer("Which?", in: long, model: "distilbert-answers", options: options)
        let filled = try await client.fillMask(
            "\(text) [MASK] of [MASK].",
            model: "bert-masked",
            options: FillMaskOptions(count: 2, targets: ["of", "the", "Unknownest"])
        )
        return [
            PythonCall(
                name: "answer",
                arguments: ["distilbert-answers", [["Which?", long]]],
                options: ["top_k": 3, "max_seq_len": 64, "doc_stride": 16, "handle_impossible_answer": true],
                answer: [
                    [
                        "answers": answer.candidates.map { span -> [String: Any] in
                            [
                                "answer": span.text, "score": span.score, "start": span.offsets.lowerBound,
                                "end": span.offsets.upperBound,
                            ]
                        },
                        "tokens": answer.tokens, "windows": answer.windows,
                    ] as [String: Any]
                ]
            ),
            PythonCall(
                name: "fill_mask",
                arguments: ["bert-masked", ["\(text) [MASK] of [MASK]."]],
                options: ["top_k": 2, "targets": ["of", "the", "Unknownest"]],
                answer: [
                    [
                        "masks": filled.masks.map { mask -> [String: Any] in
                            [
                                "tokens": mask.tokens.map { token -> [String: Any] in
                                    [
                                        "token": token.id, "token_str": token.text, "score": token.score,
                                        "sequence": token.sequence,
                                    ]
                                },
                                "start": mask.offsets.lowerBound, "end": mask.offsets.upperBound,
                            ]
                        },
                        "tokens": filled.tokens, "truncated": filled.truncated, "warnings": filled.warnings,
                    ] as [String: Any]
                ]
            ),
        ]
    }

    private static func comparisons(_ client: ModelClient) async throws -> [PythonCall] {
        let (labels, texts, choices) = (["art", "sport", "東京"], ["first", text, "third"], ["tea", "café", "東京"])
        let fits = try await client.classify(
            [text, "another"],
            as: labels,
            model: "distilbert-nli",
            options: ZeroShotOptions(hypothesis: "It is about {}.", allowsSeveralLabels: true)
        )
        let options = RerankOptions(function: .none)
        let ranked = try await client.rerank(texts, for: "the word", model: "bert-one", options: options)
        let choice = try await client.choose(among: choices, for: text, model: "bert-choice")
        return [
            PythonCall(
                name: "zero_shot",
                arguments: ["distilbert-nli", [text, "another"], labels],
                options: ["hypothesis_template": "It is about {}.", "multi_label": true],
                answer: fits.map { answer -> [String: Any] in
                    [
                        "scores": answer.scores.map { ["label": $0.label, "score": $0.score] as [String: Any] },
                        "tokens": answer.tokens, "truncated": answer.truncated, "windows": answer.windows,
                    ]
                }
            ),
            PythonCall(
                name: "rerank",
                arguments: ["bert-one", "the word", texts],
                options: ["function_to_apply": "none"],
                answer: ranked.sorted { $0.index < $1.index }.map { text -> [String: Any] in
                    ["score": text.score, "tokens": text.tokens, "truncated": text.truncated]
                }
            ),
            PythonCall(
                name: "multiple_choice",
                arguments: ["bert-choice", [[text, choices] as [Any]]],
                answer: [
                    ["scores": choice.scores, "tokens": choice.tokens, "truncated": choice.truncated] as [String: Any]
                ]
            ),
        ]
    }

    private static func rest(_ client: ModelClient) async throws -> [PythonCall] {
        let (ids, mask): ([Int64], [Int64]) = ([2, 5, 9, 3, 2, 7, 3, 0], [1, 1, 1, 1, 1, 1, 1, 0])
        let output = try await client.infer(
            [
                Tensor("input_ids", shape: [2, 4], values: .int64(ids)),
                Tensor("attention_mask", shape: [2, 4], values: .int64(mask)),
            ],
            model: "bert-three"
        )
        var tensors: [String: Any] = [:]
        for tensor in output.tensors { tensors[tensor.name] = nested(tensor.floats ?? [], tensor.shape[...]) }
        let status = try await client.status()
        return [
            PythonCall(
                name: "infer",
                arguments: [
                    "bert-three",
                    [
                        "input_ids": [ids[..<4], ids[4...]].map(Array.init),
                        "attention_mask": [mask[..<4], mask[4...]].map(Array.init),
                    ],
                ],
                answer: tensors
            ),
            PythonCall(
                name: "status",
                answer: [
                    "state": status.state, "version": status.version, "pid": status.pid,
                    "models": status.models.map { model -> [String: Any] in
                        [
                            "name": model.name, "version": Int(model.version), "variant": model.variant,
                            "state": model.state, "reason": model.reason, "tasks": model.tasks, "path": model.path,
                            "generation": Int(model.generation), "pack_bytes": model.packBytes,
                            "max_tokens": model.maximumTokens, "architecture": model.architecture,
                            "instruction_set": model.instructionSet,
                            "workers": model.workers.map { ["pid": $0.pid, "cpus": $0.cpus] as [String: Any] },
                        ]
                    },
                ] as [String: Any]
            ),
        ]
    }

    private static func nested(_ values: [Float], _ shape: ArraySlice<Int>) -> Any {
        guard shape.count > 1, let rows = shape.first, rows > 0 else { return values }
        let size = values.count / rows
        return (0..<rows).map { nested(Array(values[($0 * size)..<(($0 + 1) * size)]), shape.dropFirst()) }
    }

    // MARK: - Comparing

    /// Where an answer from Python is not what is expected. Scores are compared bit for bit.
    ///
    /// - Parameter path: what the places' names begin with.
    static func differences(_ expected: Any, _ answer: Any, _ path: String) -> [String] {
        switch expected {
        case let expected as [String: Any]:
            guard let answer = answer as? [String: Any] else { break }
            // Only the status has more than is compared: times and memory.
            let extra = path.hasPrefix("status") ? [] : Set(answer.keys).subtracting(expected.keys).sorted()
            return extra.map { "\(path).\($0) is not expected" }
                + expected.flatMap { key, value in differences(value, answer[key] ?? "nothing", "\(path).\(key)") }
        case let expected as [Any]:
            guard let answer = answer as? [Any] else { break }
            guard answer.count == expected.count else {
                return ["\(path) has \(answer.count) elements, not \(expected.count)"]
            }
            return zip(expected, answer).enumerated().flatMap { index, pair in
                differences(pair.0, pair.1, "\(path)[\(index)]")
            }
        case let expected as String: if answer as? String == expected { return [] }
        case let expected as Bool: if answer as? Bool == expected { return [] }
        case let expected as Float:
            if (answer as? NSNumber)?.floatValue.bitPattern == expected.bitPattern { return [] }
        case let expected as any FixedWidthInteger:
            if (answer as? NSNumber)?.int64Value == Int64(expected) { return [] }
        default: break
        }
        return ["\(path) is \(answer), not \(expected)"]
    }
}
