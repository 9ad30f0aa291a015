import Messages
import Tasks
import Testing

@Suite struct BatchTests {
    private static let texts = [
        "a", "the quick brown fox", "Hello, world! How are you?", "déjà vu",
        "one two three four five six seven eight nine ten",
        "x y z", "!!!", "it is what it is and nothing more than that",
    ]

    /// Requests of every task over every text, some with several texts.
    private var requests: [InferenceRequest] {
        Self.texts.flatMap { text in
            [
                .classify(ClassifyRequest(inputs: [TextInput(text)], allLabels: true)),
                .embed(EmbedRequest(inputs: [TextInput(text), TextInput("and " + text)])),
                .features(FeaturesRequest(inputs: [TextInput(text, pair: "a pair")])),
                .embed(EmbedRequest(inputs: [TextInput(text)], pooling: .cls, normalization: .l2, truncateDim: 10)),
            ]
        }
    }

    @Test(arguments: [1, 9, 40, 10_000], [1, 2])
    func answersDoNotDependOnCompanyStepsOrThreads(_ stepTokens: Int, _ threads: Int) throws {
        let alone = try SeededModel()
        let together = try SeededModel(threads: threads)
        let batch = try together.model.answer(requests, stepTokens: stepTokens)
        #expect(batch.count == requests.count)
        for (request, answer) in zip(requests, batch) {
            #expect(try alone.model.answer([request]) == [answer])
        }
    }

    @Test func aStepKeepsToItsTokensAndARequestMaySpanSteps() throws {
        let seeded = try SeededModel()
        let task = try seeded.model.prepare(.embed(EmbedRequest(inputs: Self.texts.map { TextInput($0) })))
        var run = BatchRun(model: seeded.model, maxStepTokens: 12)
        run.add(task, id: 7)
        var steps = 0
        var answered: [UInt64] = []
        while let step = run.nextStep(keep: { _ in true }) {
            steps += 1
            answered += run.perform(step).map(\.0)
        }
        #expect(steps > 3 && answered == [7])
    }

    @Test func requestsThatAreNotWantedAreLeftOut() throws {
        let seeded = try SeededModel()
        var run = BatchRun(model: seeded.model, maxStepTokens: 4)
        let request = InferenceRequest.features(FeaturesRequest(inputs: [TextInput("a b")]))
        for id in UInt64(0)..<4 { run.add(try seeded.model.prepare(request), id: id) }
        var answered: [UInt64] = []
        while let step = run.nextStep(keep: { $0 % 2 == 1 }) { answered += run.perform(step).map(\.0) }
        #expect(answered == [1, 3])
    }

    @Test func anAbandonedStepAnswersNothing() throws {
        let seeded = try SeededModel()
        var run = BatchRun(model: seeded.model, maxStepTokens: 100)
        run.add(try seeded.model.prepare(.features(FeaturesRequest(inputs: [TextInput("a b")]))), id: 1)
        let first = run.nextStep(keep: { _ in true })
        let step = try #require(first)
        let answered = run.perform(step, proceed: { false })
        let rest = run.nextStep(keep: { _ in true })
        #expect(answered.isEmpty && rest == nil)
    }
}
