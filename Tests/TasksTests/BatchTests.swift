import Tasks
import Testing

@Suite struct BatchTests {
    private static let texts = [
        "a", "the quick brown fox", "Hello, world! How are you?", "déjà vu",
        "one two three four five six seven eight nine ten",
        "x y z", "!!!", "it is what it is and nothing more than that",
    ]

    /// Requests of every task over every text, some with several texts.
    private var requests: [TaskRequest] {
        Self.texts.flatMap { text in
            [
                .classify([TaskText(text)], ClassifyOptions(topK: nil)),
                .embed([TaskText(text), TaskText("and " + text)], EmbedOptions()),
                .features([TaskText(text, pair: "a pair")], .error),
                .embed([TaskText(text)], EmbedOptions(pooling: .cls, normalize: true, dimensions: 10)),
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
        let task = try seeded.model.prepare(.embed(Self.texts.map { TaskText($0) }, EmbedOptions()))
        var run = BatchRun(model: seeded.model, maxStepTokens: 12)
        run.add(task, id: 7)
        #expect(run.tokens == task.tokens && run.requests == 1)
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
        for id in UInt64(0)..<4 { run.add(try seeded.model.prepare(.features([TaskText("a b")], .error)), id: id) }
        var answered: [UInt64] = []
        while let step = run.nextStep(keep: { $0 % 2 == 1 }) { answered += run.perform(step).map(\.0) }
        #expect(answered == [1, 3])
    }

    @Test func anAbandonedStepAnswersNothing() throws {
        let seeded = try SeededModel()
        var run = BatchRun(model: seeded.model, maxStepTokens: 100)
        run.add(try seeded.model.prepare(.features([TaskText("a b")], .error)), id: 1)
        let first = run.nextStep(keep: { _ in true })
        let step = try #require(first)
        let answered = run.perform(step, proceed: { false })
        let rest = run.nextStep(keep: { _ in true })
        #expect(answered.isEmpty && rest == nil)
    }
}
