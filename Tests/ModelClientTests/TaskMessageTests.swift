import Messages
import ModelClient
import Testing
import Wire

/// What each task's call puts on the wire, and what it makes of answers that do not fit.
@Suite(.endsHangs) struct TaskMessageTests {
    /// Makes calls that the server refuses, and gives their requests.
    private func requests(
        _ count: Int,
        _ calls: (ModelClient) async throws -> Void
    ) async throws -> [Request] {
        let seen = Seen<Request>()
        try await withServer { connection, _ in
            try connection.greet()
            while true {
                let request = try connection.receiveRequest()
                seen.add(request)
                try connection.answer(request, .unimplemented, "noted")
            }
        } _: { client in
            try await calls(client)
        }
        var requests: [Request] = []
        for _ in 0..<count { requests.append(try #require(await seen.next())) }
        return requests
    }

    @Test func optionsAreFields() async throws {
        let requests = try await requests(8) { client in
            let classify = ClassifyOptions(truncation: .windows, windowPooling: .max, stride: 32)
            _ = await failure { _ = try await client.classify("a", model: "m", options: classify) }
            let tag = TagOptions(aggregation: .average, ignoredLabels: [], truncation: .windows, stride: 16)
            _ = await failure { _ = try await client.tag("a", model: "m", options: tag) }
            let answer = AnswerOptions(
                count: 3,
                maximumAnswerTokens: 7,
                windowTokens: 100,
                stride: 20,
                mayBeUnanswerable: true,
                alignsToWords: false
            )
            _ = await failure { _ = try await client.answer("q", in: "c", model: "m", options: answer) }
            let fill = FillMaskOptions(count: 2, targets: ["x"], truncation: .truncate)
            _ = await failure { _ = try await client.fillMask("[MASK]", model: "m", options: fill) }
            let zeroShot = ZeroShotOptions(hypothesis: "On {}.", allowsSeveralLabels: true, truncation: .refuse)
            _ = await failure { _ = try await client.classify("abc", as: ["p", "q"], model: "m", options: zeroShot) }
            let rerank = RerankOptions(function: .none)
            _ = await failure { _ = try await client.rerank(["t"], for: "q", model: "m", options: rerank) }
            _ = await failure { _ = try await client.choose(among: ["x", "y"], for: "t", model: "m") }
            let embed = EmbedOptions(dimensions: 64, prompt: .named("query"))
            _ = await failure { _ = try await client.embed("a", model: "m", options: embed) }
        }
        let classify = ClassifyRequest(
            inputs: [.init(text: "a")],
            truncation: .windows,
            windowPooling: .max,
            stride: 32
        )
        #expect(try ClassifyRequest.decode(requests[0].payload) == classify)
        let tag = TagTokensRequest(
            texts: ["a"],
            aggregationStrategy: .average,
            truncation: .windows,
            stride: 16,
            ignoreNone: true
        )
        #expect(try TagTokensRequest.decode(requests[1].payload) == tag)
        let answer = AnswerQuestionRequest(
            inputs: [.init(question: "q", context: "c")],
            topK: 3,
            maxAnswerLen: 7,
            maxSeqLen: 100,
            docStride: 20,
            handleImpossibleAnswer: true,
            withoutWordAlignment: true
        )
        #expect(try AnswerQuestionRequest.decode(requests[2].payload) == answer)
        let fill = FillMaskRequest(texts: ["[MASK]"], topK: 2, targets: ["x"], truncation: .truncate)
        #expect(try FillMaskRequest.decode(requests[3].payload) == fill)
        let zeroShot = ZeroShotRequest(
            texts: ["abc"],
            labels: ["p", "q"],
            hypothesisTemplate: "On {}.",
            multiLabel: true,
            truncation: .error
        )
        #expect(try ZeroShotRequest.decode(requests[4].payload) == zeroShot)
        // The text once per label, and a sentence each.
        #expect(requests[4].costEstimate == 2 * 3 + 2 * (1 + 6))
        let rerank = RerankRequest(query: "q", texts: ["t"], functionToApply: .none)
        #expect(try RerankRequest.decode(requests[5].payload) == rerank)
        let choose = MultipleChoiceRequest(inputs: [.init(text: "t", choices: ["x", "y"])])
        #expect(try MultipleChoiceRequest.decode(requests[6].payload) == choose)
        let embed = EmbedRequest(inputs: [.init(text: "a")], truncateDim: 64, promptName: "query")
        #expect(try EmbedRequest.decode(requests[7].payload) == embed)
        #expect(
            requests.map(\.method) == [
                InferenceMethod.classify.rawValue, InferenceMethod.tagTokens.rawValue,
                InferenceMethod.answerQuestion.rawValue, InferenceMethod.fillMask.rawValue,
                InferenceMethod.zeroShot.rawValue,
                InferenceMethod.rerank.rawValue, InferenceMethod.multipleChoice.rawValue,
                InferenceMethod.embed.rawValue,
            ]
        )
    }

    @Test func defaultsAreThoseOfTransformers() async throws {
        let requests = try await requests(3) { client in
            _ = await failure { _ = try await client.answer("q", in: "c", model: "m") }
            _ = await failure { _ = try await client.fillMask("[MASK]", model: "m") }
            _ = await failure { _ = try await client.embed("a", model: "m", options: EmbedOptions(prompt: .text(""))) }
        }
        let answer = AnswerQuestionRequest(inputs: [.init(question: "q", context: "c")], topK: 1)
        #expect(try AnswerQuestionRequest.decode(requests[0].payload) == answer)
        #expect(try FillMaskRequest.decode(requests[1].payload) == FillMaskRequest(texts: ["[MASK]"], topK: 5))
        let embed = EmbedRequest(inputs: [.init(text: "a")], hasPrompt: true)
        #expect(try EmbedRequest.decode(requests[2].payload) == embed)
    }

    @Test func rangesOutsideOfTheTextAreRefused() async throws {
        let answers: [[UInt8]] = [
            TagTokensResponse(results: [.init(entities: [.init(label: "A", start: 1, end: 4)])]).encode(),
            TagTokensResponse(results: [.init(entities: [.init(label: "A", start: 2, end: 1)])]).encode(),
            TagTokensResponse(results: []).encode(),
            TagTokensResponse(results: [.init(), .init()]).encode(),
        ]
        try await withServer { connection, _ in
            try connection.greet()
            for answer in answers { try connection.answer(connection.receiveRequest(), payload: answer) }
            try connection.answer(
                connection.receiveRequest(),
                payload: AnswerQuestionResponse(results: [.init(answers: [.init(start: 0, end: .max)])]).encode()
            )
            try connection.answer(
                connection.receiveRequest(),
                payload: FillMaskResponse(results: [.init(masks: [.init(start: 9, end: 9)])]).encode()
            )
            try connection.answer(
                connection.receiveRequest(),
                payload: ZeroShotResponse(results: [.init(scores: [.init(label: "p", score: 1)])]).encode()
            )
            try connection.answer(
                connection.receiveRequest(),
                payload: MultipleChoiceResponse(results: [.init(scores: [1, 2, 3])]).encode()
            )
            try connection.answer(connection.receiveRequest(), payload: RerankResponse(results: []).encode())
            try connection.answerAll()
        } _: { client in
            var errors: [ModelClientError?] = []
            for _ in answers { errors.append(await failure { _ = try await client.tag("e\u{301}b", model: "m") }) }
            errors.append(await failure { _ = try await client.answer("q", in: "c", model: "m") })
            errors.append(await failure { _ = try await client.fillMask("[MASK]", model: "m") })
            errors.append(await failure { _ = try await client.classify("a", as: ["p", "q"], model: "m") })
            errors.append(await failure { _ = try await client.choose(among: ["x", "y"], for: "t", model: "m") })
            errors.append(await failure { _ = try await client.rerank(["t"], for: "q", model: "m") })
            #expect(errors.allSatisfy { $0?.code == .internal && $0?.origin == .connection })
            #expect(errors[0]?.message.contains("1..<4 is no range of the text") == true)
            _ = try await client.classify("a", model: "m")
        }
    }
}
