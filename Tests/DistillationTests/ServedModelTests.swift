import Distillation
import ModelFiles
import Tensors
import TestSupport
import Testing

@Suite struct ServedModelTests {
    private static let texts = ["one two three four five", "what is this?", "日本 is fine", "ok", "a, b, and more words"]

    private static func folder(_ labels: [String], _ head: SeededCheckpoint.Head, _ problem: String = "") throws
        -> TemporaryFolder
    {
        let folder = try TemporaryFolder()
        var checkpoint = SeededCheckpoint(family: .distilBERT)
        checkpoint.labels = labels.count
        checkpoint.labelNames = labels
        checkpoint.head = head
        checkpoint.problemType = problem
        checkpoint.spread = 0.25
        try checkpoint.write(to: folder.path)
        return folder
    }

    private static func examples(_ texts: [String]) -> [Example] { texts.map { Example(text: $0) } }

    @Test func aTextHasTheSameBitsAloneAndInCompany() throws {
        let folder = try Self.folder(["low", "middle", "high"], .sequence)
        let model = try ServedModel(directory: folder.path, threads: 2)
        let all = try model.probabilities(of: Self.examples(Self.texts))
        #expect(all.count == Self.texts.count)
        #expect(Set(all).count == all.count, "each text has its own")
        for (text, row) in zip(Self.texts, all) {
            #expect(try model.probabilities(of: Self.examples([text])) == [row])
            #expect(abs(row.reduce(0, +) - 1) < 1e-5)
        }
        #expect(model.labels == ["low", "middle", "high"])
    }

    @Test func variantsAreSmallerAndNearlyAgree() throws {
        let folder = try Self.folder(["a", "b"], .sequence)
        let plain = try ServedModel(directory: folder.path)
        for variant in [WeightFormat.bfloat16, .int8] {
            let other = try ServedModel(directory: folder.path, variant: variant)
            #expect(other.packBytes < plain.packBytes)
            #expect(other.contents == plain.contents, "the same weights")
            #expect(other.parameters == plain.parameters)
            let texts = Self.examples(Self.texts)
            let (left, right) = (try plain.logits(of: texts), try other.logits(of: texts))
            #expect(left != right)
            let differences = zip(left.joined(), right.joined()).map { abs($0 - $1) }
            #expect(differences.allSatisfy { $0 < 0.2 }, "\(differences)")
        }
        let changed = try Self.folder(["a", "c"], .sequence)
        #expect(try ServedModel(directory: changed.path).contents != plain.contents)
    }

    /// Judged by its own answers, a model is right, whatever order the data have the labels in.
    @Test func aClassifierIsEvaluatedByTheNamesOfItsLabels() throws {
        let folder = try Self.folder(["low", "middle", "high"], .sequence)
        let model = try ServedModel(directory: folder.path)
        let names = ["high", "low", "middle"]
        let examples = try zip(Self.texts, model.probabilities(of: Self.examples(Self.texts))).map { text, row in
            let best = row.indices.max { row[$0] < row[$1] } ?? 0
            let label = try #require(names.firstIndex(of: model.labels[best]))
            return Example(text: text, target: .label(label))
        }
        var data = Dataset(task: .classify, labels: names, examples: examples)
        let evaluation = try evaluate(model: model, data: data)
        #expect(evaluation.metrics["accuracy"] == 1)
        #expect(evaluation.predictions.map(\.example.text) == Self.texts)
        let first = evaluation.predictions[0]
        #expect(first.probabilities.map(\.label) == names)
        #expect(first.answer == .label(first.probabilities.max { $0.probability < $1.probability }?.label ?? ""))
        data.labels[0] = "tall"
        let error = #expect(throws: DistillationError.self) { try evaluate(model: model, data: data) }
        #expect(error?.message.contains("\"tall\"") == true)
        #expect(error?.kind == .usage)
    }

    @Test func wordsHaveTheTagsOfTheirFirstTokens() throws {
        let labels = ["O", "B-X", "I-X"]
        let folder = try Self.folder(labels, .token)
        let model = try ServedModel(directory: folder.path)
        let words = [["what", "is", "日本", "unbelievablyx"], ["ok"]]
        let examples = words.map { Example(text: $0.joined(separator: " "), words: $0) }
        let tags = try model.tags(of: examples)
        #expect(tags.map(\.count) == [4, 1])
        let tagged = zip(examples, tags).map { example, tags in
            var example = example
            example.target = .tags(tags.map { labels.firstIndex(of: $0) ?? 0 })
            return example
        }
        let evaluation = try evaluate(model: model, data: Dataset(task: .tag, labels: labels, examples: tagged))
        #expect(evaluation.metrics["token_accuracy"] == 1)
    }

    @Test func otherTasksAreEvaluated() throws {
        let manyFolder = try Self.folder(["x", "y"], .sequence, "multi_label_classification")
        let many = try ServedModel(directory: manyFolder.path)
        let sets = Self.texts.map { Example(text: $0, target: .labels([0])) }
        let multi = try evaluate(model: many, data: Dataset(task: .multiLabel, labels: ["x", "y"], examples: sets))
        #expect(multi.metrics.values.map(\.name) == ["exact_match", "micro_f1", "macro_f1"])

        let oneFolder = try Self.folder(["value"], .sequence, "regression")
        let one = try ServedModel(directory: oneFolder.path)
        let logits = try one.logits(of: Self.examples(Self.texts))
        let values = zip(Self.texts, logits).map { Example(text: $0, target: .value(2 * $1[0] + 1)) }
        let regression = try evaluate(model: one, data: Dataset(task: .regression, examples: values))
        #expect(try #require(regression.metrics["pearson"]) > 0.999)
        #expect(try #require(regression.metrics["spearman"]) > 0.999)

        let readerFolder = try Self.folder([], .answer)
        let reader = try ServedModel(directory: readerFolder.path)
        let context = "one two three four five, what is this?"
        let question = Example(text: "what?", pair: context)
        let answer = try reader.answers(to: [question], mayBeImpossible: false)[0]
        #expect(context.contains(answer))
        var asked = question
        asked.target = .answers([.init(text: answer, start: 0)])
        let found = try evaluate(model: reader, data: Dataset(task: .answer, examples: [asked]))
        #expect(found.metrics["exact_match"] == 1)

        let pairs = zip(Self.texts, Self.texts.reversed()).map { Example(text: $0, pair: $1, target: .value(0)) }
        var embedded = pairs
        let vectors = try reader.embeddings(of: Self.texts)
        for index in pairs.indices {
            embedded[index].target = .value(Float(cosine(vectors[index], vectors[pairs.count - 1 - index])))
        }
        let likeness = try evaluate(model: reader, data: Dataset(task: .embed, examples: embedded))
        #expect(try #require(likeness.metrics["pearson"]) > 0.999)
    }

    @Test func throughputIsMeasuredInTurn() throws {
        let folder = try Self.folder(["a", "b"], .sequence)
        let models = try [WeightFormat.float32, .int8].map { try ServedModel(directory: folder.path, variant: $0) }
        let rates = try Throughput.measure(
            models.map { try Throughput.calls($0, Self.examples(Self.texts)) },
            rounds: 3
        )
        #expect(rates.map(\.count) == [3, 3])
        #expect(rates.joined().allSatisfy { $0 > 0 && $0.isFinite })
        #expect(Throughput.median([3, 1, 2]) == 2)
        #expect(Throughput.median([4, 1, 2, 3]) == 2.5)
        let two = try ServedModel(directory: folder.path, threads: 2)
        #expect(throws: DistillationError.self) { try Throughput.calls(two, Self.examples(["a"])) }
        #expect(throws: DistillationError.self) { try Throughput.measure([[]]) }
    }

    @Test func aFolderThatIsNoModelIsNamed() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: DistillationError.self) { try ServedModel(directory: folder.path) }
        #expect(error?.message.contains(folder.path) == true)
    }
}
