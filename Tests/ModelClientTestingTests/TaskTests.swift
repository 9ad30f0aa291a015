import ModelClient
import ModelClientTesting
import Testing

@Suite(.endsHangs) struct TaskTests {
    /// Scalars, characters and bytes of it count differently.
    static let text = "née 👩‍👩‍👧 Ada Lovelace (e\u{301}) lived in 東京 and Ada stayed."

    @Test func entitiesAreRangesOfTheCallersText() async throws {
        try await withFake { server, client in
            server.onTag("ner") { _ in [("PER", "Ada"), ("LOC", "東京"), ("PER", "Ada")] }
            let text = Self.text
            let result = try await client.tag(text, model: "ner")
            #expect(result.entities.map(\.label) == ["PER", "LOC", "PER"])
            for entity in result.entities {
                #expect(text[entity.range] == entity.text)
                let scalars = Array(text.unicodeScalars)[entity.offsets]
                #expect(String(String.UnicodeScalarView(scalars)) == entity.text)
                #expect(entity.tokenIndex == nil)
            }
            #expect(result.entities[2].offsets.lowerBound > result.entities[1].offsets.upperBound)
            #expect(result.windows == 1)
            #expect(result.metadata.model == "ner@1:fp32")
            let many = try await client.tag([text, text], model: "ner@1")
            #expect(many.map(\.entities) == [result.entities, result.entities])
        }
    }

    @Test func variantsAreNamedInAnswersAndTheCacheIsEmpty() async throws {
        try await withFake { server, client in
            server.onTag("ner") { _ in [] }
            for model in ["ner:int8", "ner@1:int8"] {
                let answer = try await client.tag("a", model: model)
                #expect(answer.metadata.model == "ner@1:int8")
            }
            let cache = try await client.packCache()
            #expect(cache.packs.isEmpty)
            let outcome = try await client.prunePackCache()
            #expect(outcome.removed.isEmpty)
        }
    }

    @Test func numbersBelowOneAreRefused() async throws {
        try await withFake { server, client in
            server.onTag("ner") { _ in [] }
            server.onAnswer("qa") { _ in nil }
            for number in [0, -1] {
                let wide = await failure { () async throws(ModelClientError) in
                    _ = try await client.tag("a", model: "ner", options: TagOptions(stride: number))
                }
                #expect(wide?.message == "stride: it is \(number); it must be at least 1")
                let long = await failure { () async throws(ModelClientError) in
                    let options = AnswerOptions(windowTokens: number)
                    _ = try await client.answer("Why?", in: "a", model: "qa", options: options)
                }
                #expect(long?.code == .invalidArgument && long?.model == "qa")
            }
        }
    }

    @Test func answersAreRangesOfTheContext() async throws {
        try await withFake { server, client in
            server.onAnswer("qa") { $0.question.hasPrefix("Where") ? "東京" : nil }
            let text = Self.text
            let answer = try await client.answer("Where?", in: text, model: "qa")
            #expect(answer.text == "東京")
            #expect(answer.range.map { text[$0] } == "東京")
            #expect(answer.offsets?.count == 2)
            #expect(answer.score == 0.9)
            let options = AnswerOptions(count: 2, mayBeUnanswerable: true)
            let none = try await client.answer("Why?", in: text, model: "qa", options: options)
            #expect(none.range == nil && none.offsets == nil && none.text.isEmpty)
            #expect(none.candidates.count == 1)
        }
    }

    @Test func masksAreFilled() async throws {
        try await withFake { server, client in
            server.onFillMask("lm") { _ in ["capital", "heart"] }
            let text = "👩‍👧 is the [MASK] of the [MASK]."
            let result = try await client.fillMask(text, model: "lm", options: FillMaskOptions(count: 2))
            #expect(result.masks.count == 2)
            #expect(result.masks.allSatisfy { text[$0.range] == "[MASK]" && $0.offsets.count == 6 })
            #expect(result.masks[0].text == "capital")
            #expect(result.masks[1].tokens[1].sequence == "👩‍👧 is the [MASK] of the heart.")
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.fillMask("no mask", model: "lm")
            }
            #expect(error?.code == .invalidArgument)
        }
    }

    @Test func labelsThatTheModelNeverSaw() async throws {
        try await withFake { server, client in
            server.onZeroShot("nli") { text, labels in labels.first { text.contains($0) } ?? labels[0] }
            let answer = try await client.classify("about money", as: ["sport", "money", "art"], model: "nli")
            #expect(answer.label == "money")
            #expect(answer.scores.count == 3)
            #expect(abs(answer.scores.reduce(0) { $0 + $1.score } - 1) < 1e-6)
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.classify("text", as: [], model: "nli")
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.hasPrefix("labels") == true)
        }
    }

    @Test func textsAreRanked() async throws {
        try await withFake { server, client in
            server.onRerank("ranker") { query, text in text.hasPrefix(query) ? 0.9 : 0.1 }
            // More than a request holds, so that places count across requests.
            let texts = (0..<150).map { $0 == 130 ? "right \($0)" : "text \($0)" }
            let ranked = try await client.rerank(texts, for: "right", model: "ranker")
            #expect(ranked.first?.index == 130)
            #expect(ranked.first?.text == "right 130")
            #expect(ranked.dropFirst().map(\.index) == (0..<150).filter { $0 != 130 })
            #expect(server.requests.count > 1)
        }
    }

    @Test func choicesTensorsAndTokens() async throws {
        try await withFake { server, client in
            server.onChoose("swag") { $0.choices.firstIndex { $0.contains("tea") } ?? 0 }
            server.onInfer("raw") { inputs in
                [Tensor("logits", shape: [1, 2], values: .float32([Float(inputs[0].values.count), -1]))]
            }
            server.onFeatures("raw") { _ in TokenFeatures(tokens: 1, hidden: 2, values: [0.5, 1]) }
            server.onTokenize("raw") { $0.text.split(separator: " ").map(String.init) }
            let choice = try await client.choose(among: ["a cup", "some tea"], for: "She drank", model: "swag")
            #expect(choice.index == 1)
            #expect(choice.score == 0.9)
            let ids = Tensor("input_ids", shape: [1, 3], values: .int64([1, 2, 3]))
            let output = try await client.infer([ids], model: "raw")
            #expect(output["logits"]?.floats == [3, -1])
            #expect(output["nothing"] == nil)
            let wrong = Tensor("input_ids", shape: [2, 3], values: .int64([1, 2, 3]))
            let error = await failure { () async throws(ModelClientError) in
                _ = try await client.infer([wrong], model: "raw")
            }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.hasPrefix("inputs[0].shape") == true)
            let negative = Tensor("input_ids", shape: [-1, 3], values: .int64([]))
            let refused = await failure { () async throws(ModelClientError) in
                _ = try await client.infer([negative], model: "raw")
            }
            #expect(refused?.code == .invalidArgument)
            #expect(try await client.features("a", model: "raw").values == [0.5, 1])
            #expect(try await client.tokenize("a b", model: "raw").tokens == ["a", "b"])
        }
    }

    @Test func vectorsAreCompared() async throws {
        try await withFake { server, client in
            server.onEmbed("minilm")
            let table = try await client.similarities(among: ["a", "b", "a"], model: "minilm")
            #expect(abs(table[0][2] - 1) < 1e-5)
            #expect(table[0][1] < 0.999)
            #expect(table[0][1] == table[1][0])
            #expect(abs(try await client.similarity(of: "a", and: "a", model: "minilm") - 1) < 1e-5)
        }
    }

    @Test func optionsReachTheServer() async throws {
        try await withFake { server, client in
            server.onClassify("topics") { _ in .label("x") }
            let metadata = RequestMetadata(requestID: "r-1", traceparent: "00-aa-bb-01")
            let options = ClassifyOptions(truncation: .windows, windowPooling: .max, stride: 32, metadata: metadata)
            _ = try await client.classify(["a", "b"], model: "topics@3:int8", options: options, timeout: .seconds(500))
            let request = try #require(server.requests.first)
            #expect(request.method == "Classify")
            #expect(request.model == "topics@3:int8")
            #expect(request.texts == ["a", "b"])
            #expect(request.requestID == "r-1")
            #expect(request.traceparent == "00-aa-bb-01")
            #expect(request.timeout <= .seconds(500) && request.timeout > .seconds(1))
        }
    }

    @Test func whatTheFakeLacks() async throws {
        try await withFake { server, client in
            server.onClassify("sentiment") { _ in .label("x") }
            let unknown = await failure { () async throws(ModelClientError) in
                _ = try await client.classify("a", model: "nope")
            }
            #expect(unknown?.code == .notFound)
            #expect(unknown?.message.contains("sentiment") == true)
            let task = await failure { () async throws(ModelClientError) in
                _ = try await client.tag("a", model: "sentiment")
            }
            #expect(task?.code == .invalidArgument)
            #expect(task?.message.contains("Classify") == true)
            server.onTag("sentiment") { _ in [("PER", "nobody")] }
            let wrong = await failure { () async throws(ModelClientError) in
                _ = try await client.tag("a", model: "sentiment")
            }
            #expect(wrong?.message.contains("'nobody' is no part of 'a'") == true)
            let status = try await client.status()
            #expect(status.models.map(\.reference) == ["sentiment@1:fp32"])
            #expect(try await client.reload().map(\.model) == ["sentiment@1:fp32"])
            for try await event in client.events() {
                #expect(event.message == "serving")
                break
            }
            for try await status in client.watch() {
                #expect(status.state == "READY")
                break
            }
        }
    }
}
