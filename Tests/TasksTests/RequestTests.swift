import ModelFiles
import Tasks
import TestSupport
import Testing

@Suite struct RequestTests {
    private func failure(_ request: TaskRequest, _ model: Model) -> TaskError? {
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
        let cases: [(TaskRequest, String)] = [
            (.classify([], ClassifyOptions()), "inputs: there is no text"),
            (
                .classify([TaskText("a"), TaskText("")], ClassifyOptions()),
                "inputs[1].text: the text is empty; give one"
            ),
            (
                .embed([TaskText("a", pair: "\u{0}")], EmbedOptions()),
                "inputs[0].text_pair: the text holds U+0000 as its character 0; remove it"
            ),
            (
                .features([TaskText("ab\u{0}c")], .error),
                "inputs[0].text: the text holds U+0000 as its character 2; remove it"
            ),
            (
                .classify([TaskText(long)], ClassifyOptions()),
                "inputs[0].text: it has 72 tokens, the model takes at most 64; shorten it or ask for truncation"
            ),
            (
                .embed([TaskText("a")], EmbedOptions(dimensions: 65)),
                "truncate_dim: 65 is more than the model's 64 dimensions"
            ),
        ]
        for (request, message) in cases {
            #expect(failure(request, model) == TaskError(.invalidArgument, message))
        }
    }

    @Test func longTextsAreCutWhenAskedAndSayso() throws {
        let seeded = try SeededModel()
        let long = TaskText(Array(repeating: "a", count: 500).joined(separator: " "))
        let answers = try seeded.model.answer([
            .embed([long], EmbedOptions()), .classify([long], ClassifyOptions(overlong: .truncate)),
        ])
        guard case .embed(let embeddings) = answers[0], case .classify(let classifications) = answers[1] else {
            Issue.record("unexpected answers \(answers)")
            return
        }
        #expect(embeddings[0].truncated && embeddings[0].tokens == 64)
        #expect(classifications[0].truncated && classifications[0].tokens == 64)
    }

    @Test func aTaskThatTheModelLacksListsThoseItHas() throws {
        let seeded = try SeededModel(labels: 0)
        #expect(seeded.model.tasks == [.embed, .features, .tokenize, .infer])
        let error = failure(.classify([TaskText("a")], ClassifyOptions()), seeded.model)
        let message = "model: it is a BertModel and has no classify; it has embed, features, tokenize, infer"
        #expect(error == TaskError(.invalidArgument, message))
    }

    @Test func scoresFollowTheFunction() throws {
        let seeded = try SeededModel()
        let text = [TaskText("some words to look at")]
        func scores(_ options: ClassifyOptions) throws -> [LabelScore] {
            guard case .classify(let results) = try seeded.model.answer([.classify(text, options)])[0] else {
                return []
            }
            return results[0].scores
        }
        let logits = try scores(ClassifyOptions(topK: nil, function: ClassifyOptions.Function.none))
        let probabilities = try scores(ClassifyOptions(topK: nil))
        let independent = try scores(ClassifyOptions(topK: nil, function: .sigmoid))
        #expect(logits.map(\.label) == probabilities.map(\.label) && logits.count == 3)
        #expect(abs(probabilities.reduce(0) { $0 + $1.score } - 1) < 1e-6)
        #expect(probabilities.map(\.score) == probabilities.map(\.score).sorted(by: >))
        for (logit, score) in zip(logits, independent) {
            #expect(abs(score.score - 1 / (1 + expApproximation(-logit.score))) < 1e-6)
        }
        #expect(try scores(ClassifyOptions()) == [probabilities[0]])
        #expect(try scores(ClassifyOptions(topK: 2)) == Array(probabilities.prefix(2)))
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
        let before = try seeded.model.answer([.classify([TaskText("a b c")], ClassifyOptions(topK: nil))])
        let pack = try Model.pack(seeded.folder.path)
        for file in ["config.json", "vocab.txt", "tokenizer_config.json"] {
            try SafetensorsWriter.write(text: "not what it was", to: "\(seeded.folder.path)/\(file)")
        }
        #expect(throws: (any Error).self) { try Model(directory: seeded.folder.path) }
        let model = try Model(pack: pack, threads: 1)
        #expect(try model.answer([.classify([TaskText("a b c")], ClassifyOptions(topK: nil))]) == before)
    }
}
