import Messages
import ModelFiles
import Tasks
import TestSupport
import Testing

@Suite struct RequestTests {
    private func failure(_ request: InferenceRequest, _ model: Model) -> TaskError? {
        do throws(TaskError) {
            _ = try model.prepare(request)
            return nil
        } catch {
            return error
        }
    }

    @Test func whatIsWrongIsNamedWithItsField() throws {
        let seeded = try SeededModel()
        let model = seeded.model
        let long = Array(repeating: "a", count: 70).joined(separator: " ")
        let cases: [(InferenceRequest, String)] = [
            (.classify(ClassifyRequest()), "inputs: there is no text"),
            (
                .classify(ClassifyRequest(inputs: [TextInput("a"), TextInput("")])),
                "inputs[1].text: the text is empty; give one"
            ),
            (
                .embed(EmbedRequest(inputs: [TextInput("a", pair: "\u{0}")])),
                "inputs[0].text_pair: the text holds U+0000 as its character 0; remove it"
            ),
            (
                .features(FeaturesRequest(inputs: [TextInput("ab\u{0}c")])),
                "inputs[0].text: the text holds U+0000 as its character 2; remove it"
            ),
            (
                .classify(ClassifyRequest(inputs: [TextInput(long)])),
                "inputs[0].text: it has 72 tokens, the model takes at most 64; shorten it or ask for truncation"
            ),
            (
                .embed(EmbedRequest(inputs: [TextInput("a")], truncateDim: 65)),
                "truncate_dim: 65 is more than the model's 64 dimensions"
            ),
        ]
        for (request, message) in cases {
            #expect(failure(request, model) == TaskError(.invalidArgument, message))
        }
    }

    @Test func longTextsAreCutWhenAskedAndSayso() throws {
        let seeded = try SeededModel()
        let long = TextInput(Array(repeating: "a", count: 500).joined(separator: " "))
        let answers = try seeded.model.answer([
            .embed(EmbedRequest(inputs: [long])), .classify(ClassifyRequest(inputs: [long], truncation: .truncate)),
        ])
        guard case .embed(let embedded) = answers[0], case .classify(let classified) = answers[1] else {
            Issue.record("unexpected answers \(answers)")
            return
        }
        #expect(embedded.results[0].truncated && embedded.results[0].tokens == 64)
        #expect(classified.results[0].truncated && classified.results[0].tokens == 64)
    }

    @Test func aTaskThatTheModelLacksListsThoseItHas() throws {
        let seeded = try SeededModel(labels: 0)
        #expect(seeded.model.tasks == [.embed, .features, .tokenize, .infer])
        let error = failure(.classify(ClassifyRequest(inputs: [TextInput("a")])), seeded.model)
        let message = "model: it is a BertModel and has no classify; it has embed, features, tokenize, infer"
        #expect(error == TaskError(.invalidArgument, message))
    }

    @Test func scoresFollowTheFunction() throws {
        let seeded = try SeededModel()
        let text = [TextInput("some words to look at")]
        func scores(_ request: ClassifyRequest) throws -> [LabelScore] {
            guard case .classify(let response) = try seeded.model.answer([.classify(request)])[0] else { return [] }
            return response.results[0].scores
        }
        let logits = try scores(ClassifyRequest(inputs: text, allLabels: true, functionToApply: .none))
        let probabilities = try scores(ClassifyRequest(inputs: text, allLabels: true))
        let independent = try scores(ClassifyRequest(inputs: text, allLabels: true, functionToApply: .sigmoid))
        #expect(logits.map(\.label) == probabilities.map(\.label) && logits.count == 3)
        #expect(abs(probabilities.reduce(0) { $0 + $1.score } - 1) < 1e-6)
        #expect(probabilities.map(\.score) == probabilities.map(\.score).sorted(by: >))
        for (logit, score) in zip(logits, independent) {
            #expect(abs(score.score - 1 / (1 + expApproximation(-logit.score))) < 1e-6)
        }
        #expect(try scores(ClassifyRequest(inputs: text)) == [probabilities[0]])
        #expect(try scores(ClassifyRequest(inputs: text, topK: 2)) == Array(probabilities.prefix(2)))
    }

    /// e^x as the limit of its series, in double precision.
    private func expApproximation(_ x: Float) -> Float {
        var term = 1.0
        var sum = 1.0
        for n in 1..<60 {
            term *= Double(x) / Double(n)
            sum += term
        }
        return Float(sum)
    }

    @Test func aModelServesFromItsPackWhateverBecameOfTheFolder() throws {
        let seeded = try SeededModel()
        let request = InferenceRequest.classify(ClassifyRequest(inputs: [TextInput("a b c")], allLabels: true))
        let before = try seeded.model.answer([request])
        let pack = try Model.pack(seeded.folder.path)
        for file in ["config.json", "vocab.txt", "tokenizer_config.json"] {
            try SafetensorsWriter.write(text: "not what it was", to: "\(seeded.folder.path)/\(file)")
        }
        #expect(throws: (any Error).self) { try Model(directory: seeded.folder.path) }
        let model = try Model(pack: pack, threads: 1)
        #expect(try model.answer([request]) == before)
    }
}
