import Messages
import ModelClient
import NIOConcurrencyHelpers
import Testing
import Wire

@Suite(.endsHangs) struct CallTests {
    @Test func classifies() async throws {
        let requests = Seen<Request>()
        try await withServer { connection, _ in
            let hello = try connection.greet()
            #expect(hello.protocolVersion == 1)
            #expect(hello.softwareVersion == ModelClient.version)
            while true {
                let request = try connection.receiveRequest()
                requests.add(request)
                try connection.answer(request)
            }
        } _: { client in
            let one = try await client.classify("I love this", model: "sentiment", timeout: .seconds(300))
            #expect(one.label == "I love this")
            #expect(one.score == 0.5)
            #expect(one.tokens == 11)
            #expect(one.metadata.model == "sentiment@1:fp32")
            #expect(one.metadata.timings.queue == .microseconds(10))
            #expect(one.metadata.timings.tokenization == .microseconds(20))
            #expect(one.metadata.timings.compute == .microseconds(30))
            #expect(one.metadata.timings.server == .microseconds(100))
            #expect(one.metadata.timings.batchTokens == 5)
            #expect(one.metadata.timings.batchRequests == 2)
            #expect(one.metadata.timings.replays == 1)
            let request = try #require(await requests.next())
            #expect(request.method == "inference.v1.Inference/Classify")
            #expect(request.model == "sentiment")
            #expect(request.costEstimate == 11)
            #expect((1...300_000_000).contains(request.timeoutMicroseconds))

            let options = ClassifyOptions(
                labels: .top(3),
                function: .sigmoid,
                truncation: .truncate,
                metadata: RequestMetadata(requestID: "r", traceparent: "t", priority: .low)
            )
            let two = try await client.classify(
                [.init("a", pair: "b"), "c\u{0}d"],
                model: "sentiment@2:int8",
                options: options
            )
            #expect(two.map(\.label) == ["a", "c\u{0}d"])
            let second = try #require(await requests.next())
            #expect(second.model == "sentiment@2:int8")
            #expect(second.requestID == "r")
            #expect(second.traceparent == "t")
            #expect(second.priority == -1)
            let message = try ClassifyRequest.decode(second.payload)
            #expect(message.topK == 3)
            #expect(message.functionToApply == .sigmoid)
            #expect(message.truncation == .truncate)
            #expect(message.inputs[0].hasPair && message.inputs[0].textPair == "b")
            #expect(!message.inputs[1].hasPair)

            let none = try await client.classify([String](), model: "sentiment")
            #expect(none.isEmpty)
        }
    }

    @Test func embedsTokenizesAndComputesFeatures() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            while true {
                let request = try connection.receiveRequest()
                switch request.method {
                case InferenceMethod.embed.rawValue:
                    let inputs = try EmbedRequest.decode(request.payload).inputs.count
                    let result = Messages.Embedding(values: [3, 4], tokens: 2, truncated: true)
                    let results = Array(repeating: result, count: inputs)
                    try connection.answer(request, payload: EmbedResponse(results: results).encode())
                case InferenceMethod.features.rawValue:
                    let result = Features(tokens: 2, hidden: 3, values: [1, 2, 3, 4, 5, 6])
                    try connection.answer(request, payload: FeaturesResponse(results: [result]).encode())
                case InferenceMethod.tokenize.rawValue:
                    let result = TextEncoding(
                        ids: [101, 7],
                        typeIDs: [0, 0],
                        starts: [0, 1],
                        ends: [0, 3],
                        special: [true, false],
                        wordIDs: [-1, 0],
                        tokens: ["[CLS]", "hi"]
                    )
                    try connection.answer(request, payload: TokenizeResponse(results: [result]).encode())
                default: try connection.answer(request, .unimplemented, "unknown method")
                }
            }
        } _: { client in
            let embeddings = try await client.embed(["a", "b"], model: "m", options: EmbedOptions(pooling: .mean))
            #expect(embeddings.count == 2)
            #expect(embeddings[0].values == [3, 4])
            #expect(embeddings[0].truncated)
            #expect(embeddings[0].cosineSimilarity(to: embeddings[1]) == 1)
            let features = try await client.features("a", model: "m")
            #expect((features.tokens, features.hidden) == (2, 3))
            #expect(Array(features[1]) == [4, 5, 6])
            let encoding = try await client.tokenize("hi", model: "m")
            #expect(encoding.ids == [101, 7])
            #expect(encoding.offsets == [0..<0, 1..<3])
            #expect(encoding.wordIDs == [nil, 0])
            #expect(encoding.isSpecial == [true, false])
            let error = await failure { _ = try await client.call(method: "x/Y", model: "m", payload: []) }
            #expect(error?.code == .unimplemented)
            #expect(error?.origin == .server)
        }
    }

    @Test func operatesTheServer() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            while true {
                let request = try connection.receiveRequest()
                #expect(request.model.isEmpty)
                if request.method == ControlMethod.status.rawValue {
                    let model = ModelStatus(
                        name: "m",
                        version: 2,
                        variant: "fp32",
                        state: "READY",
                        workers: [.init(pid: 7)]
                    )
                    let status = StatusResponse(state: "READY", uptimeSeconds: 3, models: [model])
                    try connection.answer(request, payload: status.encode())
                } else {
                    let results = [
                        ReloadResult(model: "m@2:fp32", generation: 4),
                        ReloadResult(model: "n@1:fp32", status: .dataLoss, message: "checksum", generation: 1),
                    ]
                    try connection.answer(request, payload: ReloadResponse(results: results).encode())
                }
            }
        } _: { client in
            let status = try await client.status(verbose: true)
            #expect(status.state == "READY")
            #expect(status.uptime == .seconds(3))
            #expect(status.models.first?.reference == "m@2:fp32")
            #expect(status.models.first?.workers.first?.pid == 7)
            let outcomes = try await client.reload()
            #expect(outcomes.map(\.generation) == [4, 1])
            #expect(outcomes[0].failure == nil)
            #expect(outcomes[1].failure?.code == .dataLoss)
        }
    }

    @Test func manyInFlightAreAnsweredOutOfOrder() async throws {
        let count = 1_000
        try await withServer { connection, _ in
            try connection.greet()
            // All of them are here before the first is answered.
            var requests: [Request] = []
            while requests.count < count { requests.append(try connection.receiveRequest()) }
            for request in requests.shuffled() { try connection.answer(request) }
            try connection.answerAll()
        } _: { client in
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for number in 0..<count {
                    group.addTask { try await client.classify("text \(number)", model: "m").label == "text \(number)" }
                }
                for try await isRight in group { #expect(isRight) }
            }
        }
    }

    @Test func theServersLimitIsKept() async throws {
        let most = NIOLockedValueBox(0)
        try await withServer { connection, _ in
            try connection.greet(maximumInFlight: 3)
            var open: [Request] = []
            var received = 0
            while received < 23 {
                switch try connection.receive() {
                case .request(let request):
                    received += 1
                    open.append(request)
                    most.withLockedValue { $0 = max($0, open.count) }
                    // Whatever the client sends on top comes before its answer to the ping.
                    if open.count == 3 { try connection.sendFrame(.ping(Ping(id: 1))) }
                case .ping: try connection.answer(open.removeFirst())
                case let frame: throw FakeServerError.unexpected(frame)
                }
            }
            for request in open { try connection.answer(request) }
            try connection.answerAll()
        } _: { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<23 { group.addTask { _ = try await client.classify("\(number)", model: "m") } }
                try await group.waitForAll()
            }
        }
        #expect(most.withLockedValue { $0 } == 3)
    }

    @Test func tasksOnTheClientsExecutor() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            try connection.answerAll()
        } _: { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<8 {
                    group.addTask(executorPreference: client.executor) {
                        for step in 0..<50 {
                            let text = "\(number)-\(step)"
                            try await expectLabel(text, of: text, client)
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }

    @Test func errorsSayWhatTheServerSaid() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            let request = try connection.receiveRequest()
            let response = Response(
                streamID: request.streamID,
                status: .resourceExhausted,
                message: "the queue of 'm' is full",
                retryAfterMicroseconds: 5_000,
                endOfStream: true
            )
            try connection.sendFrame(.response(response))
            try connection.answer(connection.receiveRequest(), .notFound, "there is no model 'n'")
            try connection.answerAll()
        } _: { client in
            let full = await failure { _ = try await client.classify("a", model: "m") }
            #expect(full?.code == .resourceExhausted)
            #expect(full?.isRetryable == true)
            #expect(full?.retryAfter == .milliseconds(5))
            #expect(full?.model == "m")
            #expect(full?.description == "RESOURCE_EXHAUSTED: the queue of 'm' is full")
            let unknown = await failure { _ = try await client.classify("a", model: "n") }
            #expect(unknown?.code == .notFound)
            #expect(unknown?.isRetryable == false)
            _ = try await client.classify("a", model: "m")
        }
    }

    /// By what the server calls it, and else by the caller's own name.
    @Test func answersAndErrorsNameTheRequest() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            while true {
                let request = try connection.receiveRequest()
                let words = String(decoding: request.payload, as: UTF8.self).split(separator: " ")
                let response = Response(
                    streamID: request.streamID,
                    status: StatusCode.allCases.first { $0.name == words[0] } ?? .unknown,
                    message: "no",
                    endOfStream: true,
                    requestID: words.count > 1 ? String(words[1]) : ""
                )
                try connection.sendFrame(.response(response))
            }
        } _: { client in
            func ask(_ answer: String, as name: String? = nil) async -> [String?] {
                let (payload, metadata) = (Array(answer.utf8), RequestMetadata(requestID: name))
                do throws(ModelClientError) {
                    let answer = try await client.call(method: "x/Y", model: "m", payload: payload, metadata: metadata)
                    return [answer.metadata.requestID, "OK"]
                } catch {
                    return [error.requestID, "\(error)"]
                }
            }
            #expect(await ask("OK run-1") == ["run-1", "OK"])
            #expect(await ask("OK") == [nil, "OK"])
            #expect(await ask("INTERNAL run-2") == ["run-2", "INTERNAL: no (request run-2)"])
            #expect(await ask("INTERNAL", as: "mine") == ["mine", "INTERNAL: no (request mine)"])
            #expect(await ask("NOT_FOUND run-3") == ["run-3", "NOT_FOUND: no"])
            #expect(await ask("NOT_FOUND") == [nil, "NOT_FOUND: no"])
        }
    }

    @Test func aRequestBeyondTheServersFrameIsNotSent() async throws {
        try await withServer { connection, _ in
            try connection.greet(maximumFrameBytes: 1_000)
            try connection.answerAll()
        } _: { client in
            let error = await failure {
                _ = try await client.classify(String(repeating: "x", count: 2_000), model: "m")
            }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("the limit is 1000") == true)
            _ = try await client.classify("small", model: "m")
        }
    }

    @Test func pingsAreAnswered() async throws {
        let answers = Seen<Ping>()
        try await withServer { connection, _ in
            try connection.greet()
            try connection.sendFrame(.ping(Ping(id: 9)))
            if case .ping(let ping) = try connection.receive() { answers.add(ping) }
            try connection.answerAll()
        } _: { client in
            #expect(await answers.next() == Ping(id: 9, ack: true))
            _ = try await client.classify("a", model: "m")
        }
    }

    @Test func answersThatDoNotFitAreErrors() async throws {
        try await withServer { connection, _ in
            try connection.greet()
            try connection.answer(connection.receiveRequest(), payload: [0xff])
            try connection.answer(connection.receiveRequest(), payload: [])
            try connection.answer(
                connection.receiveRequest(),
                payload: FeaturesResponse(results: [.init(tokens: .max, hidden: .max)]).encode()
            )
            try connection.answer(
                connection.receiveRequest(),
                payload: TokenizeResponse(results: [.init(ids: [1])]).encode()
            )
            try connection.answer(
                connection.receiveRequest(),
                payload: ClassifyResponse(results: [.init()]).encode()
            )
            try connection.answerAll()
        } _: { client in
            let errors = [
                await failure { _ = try await client.classify("a", model: "m") },
                await failure { _ = try await client.classify("a", model: "m") },
                await failure { _ = try await client.features("a", model: "m") },
                await failure { _ = try await client.tokenize("a", model: "m") },
                await failure { _ = try await client.classify("a", model: "m") },
            ]
            #expect(errors.allSatisfy { $0?.code == .internal && $0?.origin == .connection })
            #expect(errors[1]?.message.contains("0 results for 1 inputs") == true)
            _ = try await client.classify("a", model: "m")
        }
    }
}
