import Messages
import Wire

/// One value of every message, with every field set, and values that are easy to get wrong.
enum Samples {
    static let text = "naïve café \u{0}日本 👩‍👩‍👧"
    static let timings = Timings(
        queueMicroseconds: 1,
        tokenizationMicroseconds: 2,
        computeMicroseconds: 3,
        serverMicroseconds: 1 << 40,
        batchTokens: 5,
        batchRequests: 6,
        replays: 7
    )
    static let request = Request(
        streamID: .max,
        method: InferenceMethod.classify.rawValue,
        model: "sentiment@2:fp32",
        timeoutMicroseconds: 1_000_000,
        requestID: "r-1",
        traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        costEstimate: 42,
        payload: [0, 255, 1, 0]
    )
    static let response = Response(
        streamID: 9,
        status: .resourceExhausted,
        message: "the queue is full",
        retryAfterMicroseconds: 5_000,
        timings: timings,
        model: "sentiment@2:fp32",
        payload: [1, 2, 3],
        endOfStream: true
    )
    static let inputs = [
        TextInput(text: text),
        TextInput(text: "", textPair: "", hasPair: true),
        TextInput(text: "a", textPair: "b", hasPair: true),
    ]
    static let worker = WorkerStatus(
        pid: -1,
        slot: 1,
        numaNode: 1,
        cpus: "0-3,8",
        state: "READY",
        restarts: 3,
        rssBytes: 1 << 33,
        pssBytes: 1 << 32,
        lastExit: "killed by SIGKILL",
        requests: 10,
        generation: 4
    )
    static let model = ModelStatus(
        name: "sentiment",
        version: 2,
        variant: "fp32",
        state: "READY",
        reason: "none",
        workers: [worker, WorkerStatus()],
        generation: 4,
        tasks: ["classify", "tokenize"],
        packBytes: 1 << 28,
        maxTokens: 512,
        requests: 1,
        failures: 2,
        queued: 3,
        computing: 4,
        replays: 5,
        architecture: "DistilBertForSequenceClassification",
        numa: "bound to node 0",
        path: "/models/sentiment/2"
    )

    static let frames: [Frame] = [
        .hello(
            Hello(
                protocolVersion: 1,
                softwareVersion: "0.1.0",
                maxFrameBytes: 16 << 20,
                maxInFlight: 64,
                features: ["a", "b"]
            )
        ),
        .request(request),
        .response(response),
        .cancel(Cancel(streamID: 9)),
        .ping(Ping(id: 3, ack: true)),
        .goAway(GoAway(reason: "draining")),
    ]

    static let toWorker: [ToWorker] = [
        .load(
            .init(
                modelDirectory: "/models/sentiment/2",
                name: "sentiment",
                version: 2,
                variant: "fp32",
                maxBatchTokens: 4096,
                threads: 2,
                generation: 4,
                packKey: "k"
            )
        ),
        .prepare(
            .init(requestID: 1, method: InferenceMethod.embed.rawValue, payload: [7, 8], deadlineNanoseconds: .max)
        ),
        .start(.init(batchID: 5, requestIDs: [1, 2, 300])),
        .revoke(.init(requestID: 2)),
        .drain(.init()),
        .pack(.init(modelDirectory: "/models/m/1", variant: "fp32")),
        .packProceed(.init()),
        .copy(.init(packKey: "k", strict: true)),
    ]

    static let fromWorker: [FromWorker] = [
        .hello(.init(protocolVersion: 1, softwareVersion: "0.1.0", pid: 77, warnings: ["not pinned"])),
        .ready(
            .init(
                tasks: ["classify"],
                maxTokens: 512,
                architecture: "BertModel",
                packBytes: 99,
                instructionSet: "avx2",
                loadMicroseconds: 1234
            )
        ),
        .failed(.init(kind: .configuration, message: "no vocab.txt")),
        .prepared(.init(requestID: 1, tokens: 16, sequences: 1)),
        .result(
            .init(
                requestID: 1,
                status: .invalidArgument,
                message: "m",
                payload: [1],
                tokenizationMicroseconds: 2,
                computeMicroseconds: 3,
                batchTokens: 4,
                batchRequests: 5
            )
        ),
        .batchDone(.init(batchID: 5, tokens: 16, computeMicroseconds: 900)),
        .packKey(.init(key: "abc")),
        .packDone(.init(bytes: 1 << 30)),
        .progress(.init()),
    ]

    static let payloads: [any WireMessage] = [
        ClassifyRequest(
            inputs: inputs,
            topK: 3,
            allLabels: true,
            functionToApply: .sigmoid,
            truncation: .truncate
        ),
        ClassifyResponse(results: [
            Classification(
                scores: [LabelScore(label: "POSITIVE", score: 0.75), LabelScore(label: text, score: -0.0)],
                tokens: 16,
                truncated: true
            ),
            Classification(),
        ]),
        EmbedRequest(inputs: inputs, pooling: .cls, normalization: .l2, truncateDim: 128, truncation: .error),
        EmbedResponse(results: [
            Embedding(values: [0, -1.5, .infinity, .leastNonzeroMagnitude], tokens: 4, truncated: true),
            Embedding(),
        ]),
        FeaturesRequest(inputs: inputs, truncation: .truncate),
        FeaturesResponse(results: [Features(tokens: 2, hidden: 2, values: [1, 2, 3, 4], truncated: true)]),
        TokenizeRequest(inputs: inputs, withoutSpecialTokens: true, truncation: .error),
        TokenizeResponse(results: [
            TextEncoding(
                ids: [101, 70_000, 102],
                typeIDs: [0, 1, 1],
                starts: [0, 0, 0],
                ends: [0, 5, 0],
                special: [true, false, true],
                wordIDs: [-1, 0, -1],
                tokens: ["[CLS]", "naïve", "[SEP]"],
                truncated: true
            )
        ]),
        StatusRequest(verbose: true),
        StatusResponse(
            state: "DEGRADED",
            version: "0.1.0",
            pid: 4,
            uptimeSeconds: 5,
            models: [model, ModelStatus()],
            connections: 6,
            pssBytes: 7
        ),
        WatchRequest(intervalMilliseconds: 500),
        ReloadRequest(model: "sentiment"),
        ReloadResponse(results: [
            ReloadResult(model: "sentiment@2:fp32", status: .dataLoss, message: "checksum", generation: 5)
        ]),
    ]

    /// What later versions have added to the protocol; the names are those of `GoldenVersion1.additions`.
    static let additions: [(name: String, message: any WireMessage)] = [
        ("Request.priority", Request(streamID: 1, priority: -1)),
        ("StatusResponse.memory", StatusResponse(bufferedBytes: 8, memoryBudget: 1 << 40)),
        (
            "ToWorker.pack.quality",
            ToWorker.pack(
                .init(
                    modelDirectory: "/models/m/1",
                    variant: "int8",
                    calibrationFile: "/models/m/texts.txt",
                    minCosine: 0.75,
                    minAgreement: 0.5
                )
            )
        ),
        (
            "ToWorker.prepare.names",
            ToWorker.prepare(
                .init(
                    requestID: 1,
                    name: "r-1",
                    traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                )
            )
        ),
        ("FromWorker.ready.quality", FromWorker.ready(.init(tasks: ["embed"], quality: ModelQuality(texts: 9)))),
        (
            "StatusResponse.quality",
            StatusResponse(models: [
                ModelStatus(
                    name: "m",
                    quality: ModelQuality(
                        texts: 64,
                        meanCosine: 0.75,
                        leastCosine: 0.5,
                        predictions: 64,
                        agreement: 1,
                        largestScoreChange: 0.25,
                        exceptions: ["layer.5.output"]
                    )
                )
            ])
        ),
        ("Response.requestID", Response(streamID: 1, requestID: "1jx0fe-17")),
        ("CacheListRequest", CacheListRequest()),
        (
            "CacheListResponse",
            CacheListResponse(
                path: "/var/cache/distillery",
                entries: [CacheEntry(key: "0f-int8", bytes: 1 << 26, usedAt: 1_790_000_000, models: ["m@1:int8"])],
                limitBytes: 1 << 34
            )
        ),
        ("CachePruneRequest", CachePruneRequest(maxBytes: 1 << 30)),
        ("CachePruneResponse", CachePruneResponse(removed: [CacheEntry(key: "0f-int8", bytes: 7)], bytes: 9)),
        (
            "ClassifyRequest.windows",
            ClassifyRequest(inputs: inputs, truncation: .windows, windowPooling: .max, stride: 32)
        ),
        (
            "ClassifyResponse.windows",
            ClassifyResponse(results: [Classification(scores: [LabelScore(label: "a", score: 1)], windows: 3)])
        ),
        ("EmbedRequest.promptName", EmbedRequest(inputs: inputs, promptName: "query")),
        ("EmbedRequest.prompt", EmbedRequest(inputs: inputs, prompt: "query: ", hasPrompt: true)),
        (
            "TagTokensRequest",
            TagTokensRequest(
                texts: [text, ""],
                aggregationStrategy: .average,
                truncation: .windows,
                stride: 16,
                ignoreLabels: ["O", "MISC"],
                ignoreNone: true
            )
        ),
        (
            "TagTokensResponse",
            TagTokensResponse(results: [
                TaggedText(
                    entities: [
                        Entity(label: "B-LOC", score: 0.5, word: "日", start: 12, end: 13, index: 7), Entity(),
                    ],
                    tokens: 700,
                    truncated: true,
                    windows: 2
                ),
                TaggedText(),
            ])
        ),
        (
            "AnswerQuestionRequest",
            AnswerQuestionRequest(
                inputs: [QuestionInput(question: "where?", context: text), QuestionInput()],
                topK: 3,
                maxAnswerLen: 15,
                maxSeqLen: 384,
                docStride: 128,
                handleImpossibleAnswer: true,
                withoutWordAlignment: true
            )
        ),
        (
            "AnswerQuestionResponse",
            AnswerQuestionResponse(results: [
                QuestionAnswers(
                    answers: [AnswerSpan(answer: "日本", score: 0.25, start: 12, end: 14), AnswerSpan()],
                    tokens: 20,
                    windows: 2
                ),
                QuestionAnswers(),
            ])
        ),
        (
            "FillMaskRequest",
            FillMaskRequest(texts: ["a [MASK].", text], topK: 7, targets: ["b", text], truncation: .truncate)
        ),
        (
            "FillMaskResponse",
            FillMaskResponse(results: [
                FilledText(
                    masks: [
                        FilledMask(
                            tokens: [
                                FilledToken(token: 70_000, tokenStr: "##é", score: 0.5, sequence: "a é."),
                                FilledToken(),
                            ],
                            start: 2,
                            end: 8
                        ), FilledMask(),
                    ],
                    tokens: 5,
                    truncated: true,
                    warnings: ["no 'b'"]
                ),
                FilledText(),
            ])
        ),
        (
            "ZeroShotRequest",
            ZeroShotRequest(
                texts: [text],
                labels: ["a", "b c"],
                hypothesisTemplate: "About {}.",
                multiLabel: true,
                truncation: .truncate
            )
        ),
        (
            "ZeroShotResponse",
            ZeroShotResponse(results: [Classification(scores: [LabelScore(label: text, score: 0.5)], tokens: 9)])
        ),
        (
            "RerankRequest",
            RerankRequest(query: text, texts: ["a", ""], functionToApply: .none, truncation: .error)
        ),
        (
            "RerankResponse",
            RerankResponse(results: [Relevance(score: -2.5, tokens: 4, truncated: true), Relevance()])
        ),
        (
            "MultipleChoiceRequest",
            MultipleChoiceRequest(
                inputs: [ChoiceInput(text: text, choices: ["a", "b"]), ChoiceInput()],
                functionToApply: .none,
                truncation: .truncate
            )
        ),
        (
            "MultipleChoiceResponse",
            MultipleChoiceResponse(results: [
                ChoiceScores(scores: [0.25, 0.75], tokens: 9, truncated: true), ChoiceScores(),
            ])
        ),
        (
            "InferRequest",
            InferRequest(
                inputs: [
                    Tensor(name: "input_ids", shape: [2, 2], int64Data: [101, -1, .max, .min]),
                    Tensor(name: "empty", type: .float32, shape: [3, 0]),
                ],
                outputs: ["logits"]
            )
        ),
        (
            "InferResponse",
            InferResponse(
                outputs: [
                    Tensor(name: "logits", type: .float32, shape: [1, 2], floatData: [-.infinity, 1.5]),
                    Tensor(name: "scalar", type: .float32, floatData: [1]),
                ],
                tokens: 4
            )
        ),
    ]

    static let all: [any WireMessage] = frames + toWorker + fromWorker + payloads + additions.map(\.message)
}
