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
        method: RPCMethod.classify,
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

    static let workerFrames: [WorkerFrame] = [
        .hello(.init(protocolVersion: 1, softwareVersion: "0.1.0", pid: 77, warnings: ["not pinned"])),
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
        .ready(
            .init(
                tasks: ["classify"],
                maxTokens: 512,
                architecture: "BertModel",
                packBytes: 99,
                instructionSet: "avx2",
                loadMicroseconds: 1234,
                numa: "node 0"
            )
        ),
        .failed(.init(kind: .configuration, message: "no vocab.txt")),
        .prepare(.init(requestID: 1, method: RPCMethod.embed, payload: [7, 8], deadlineNanoseconds: .max)),
        .prepared(.init(requestID: 1, tokens: 16, sequences: 1)),
        .start(.init(batchID: 5, requestIDs: [1, 2, 300])),
        .revoke(.init(requestID: 2)),
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
        .drain(.init()),
        .pack(.init(modelDirectory: "/models/m/1", variant: "fp32")),
        .packKey(.init(key: "abc", bytes: 1 << 30)),
        .packProceed(.init()),
        .packDone(.init(bytes: 1 << 30)),
        .packProgress(.init(bytesDone: 1, bytesTotal: 2)),
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
            Encoding(
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

    static let all: [any WireMessage] = frames + workerFrames + payloads
}
