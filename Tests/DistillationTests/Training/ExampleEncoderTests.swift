import DistilBERT
import Distillation
import ModelFiles
import Testing
import Tokenization
import Training

@Suite struct ExampleEncoderTests {
    private let source: ModelSource
    private let task: SmallRun.Task

    init() throws {
        task = try SmallRun.Task()
        source = task.source
    }

    private func encode(
        _ task: TrainingTask,
        _ examples: [Example],
        maxLength: Int = 32
    ) throws -> (examples: [EncodedExample], truncated: Int) {
        let encoder = ExampleEncoder(source.tokenizer, source.configuration, maxLength: maxLength)
        return try encoder.encode(Dataset(task: task, labels: ["a", "b", "c"], examples: examples))
    }

    private func ids(_ text: String, _ pair: String? = nil) throws -> [Int32] {
        try source.tokenizer.encode(text, pair: pair).ids
    }

    @Test func aPairIsOneSequenceUnlessItsEmbeddingsAreCompared() throws {
        let pair = Example(text: "a b", pair: "c", target: .label(1))
        let classified = try #require(try encode(.classify, [pair]).examples.first)
        #expect(try classified.sequence.ids == ids("a b", "c"))
        #expect(classified.other == nil)
        #expect(classified.goal == .label(1))
        let similar = Example(text: "a b", pair: "c", target: .value(0.25))
        let embedded = try #require(try encode(.embed, [similar]).examples.first)
        #expect(try embedded.sequence.ids == ids("a b"))
        #expect(try embedded.other?.ids == ids("c"))
        #expect(embedded.goal == .similarity(0.25) && embedded.tokens == 7)
    }

    @Test func targetsBecomeGoals() throws {
        let multi = try encode(
            .multiLabel,
            [
                Example(text: "a", target: .labels([0, 2])), Example(text: "b", target: .probabilities([0.5, 0, 1])),
                Example(text: "c"),
            ]
        )
        #expect(multi.examples.map(\.goal) == [.labelSet([1, 0, 1]), .labelSet([0.5, 0, 1]), .none])
        let soft = try encode(.classify, [Example(text: "a", target: .probabilities([0.5, 0.5, 0]))])
        #expect(soft.examples[0].goal == .probabilities([0.5, 0.5, 0]))
        #expect(try encode(.regression, [Example(text: "a", target: .value(2))]).examples[0].goal == .value(2))
    }

    /// Certain labels beside probabilities are probabilities, whichever comes first.
    @Test func labelsAndProbabilitiesAreLearntTogether() throws {
        let examples = try encode(
            .classify,
            [
                Example(text: "a", target: .label(2)), Example(text: "b", target: .probabilities([0.5, 0.25, 0.25])),
                Example(text: "c"),
            ]
        ).examples
        guard case .probabilities(let rows) = Supervision(examples) else {
            Issue.record("no probabilities")
            return
        }
        #expect(rows == [[0, 0, 1], [0.5, 0.25, 0.25], [0, 0, 0]])
    }

    /// "zz" and "zzz" are several pieces.
    @Test func tagsStandAtFirstPieces() throws {
        let words = ["zz", "a", "zzz"]
        let example = Example(text: words.joined(separator: " "), words: words, target: .tags([2, 0, 1]))
        let encoded = try encode(.tag, [example]).examples[0]
        #expect(encoded.sequence.ids.count == 8)
        #expect(encoded.goal == .tokens([-1, 2, -1, 0, 1, -1, -1, -1]))
        // What is cut has no tags any more.
        let (cut, truncated) = try encode(.tag, [example], maxLength: 5)
        #expect(cut[0].goal == .tokens([-1, 2, -1, 0, -1]) && truncated == 1)
    }

    @Test func answersStandInTheWindowsThatHaveThem() throws {
        let letters = (97..<123).map { String(UnicodeScalar(UInt8($0))) }
        let context = letters.joined(separator: " ")
        let example = Example(text: "q", pair: context, target: .answers([.init(text: "m n", start: 24)]))
        let (windows, truncated) = try encode(.answer, [example], maxLength: 14)
        #expect(windows.count > 2 && truncated == 0)
        let (m, n) = (try ids("m")[1], try ids("n")[1])
        var found = 0
        for window in windows {
            #expect(window.sequence.ids.count <= 14 && window.example == 0)
            #expect(Array(window.sequence.ids.prefix(3)) == Array(try ids("q")), "each has the question")
            let place = window.sequence.ids.indices.dropFirst(3).first { place in
                window.sequence.ids[place] == m && window.sequence.ids.dropFirst(place + 1).first == n
            }
            #expect(window.goal == .span(place.map { $0...$0 + 1 } ?? 0...0))
            if place != nil { found += 1 }
        }
        #expect(found > 0 && found < windows.count)
        let seen = Set(windows.flatMap(\.sequence.ids))
        #expect(try letters.allSatisfy { seen.contains(try ids($0)[1]) }, "together they have all of the context")
        let impossible = Example(text: "q", pair: "a b", target: .answers([]))
        #expect(try encode(.answer, [impossible]).examples.map(\.goal) == [.span(0...0)])
        #expect(try encode(.answer, [Example(text: "q", pair: "a b")]).examples.map(\.goal) == [.none])
    }

    @Test func whatIsCutIsCounted() throws {
        let texts = ["a b c", "a b c d e f g", "a", "b c d e f g h i"]
        let (examples, truncated) = try encode(.classify, texts.map { Example(text: $0) }, maxLength: 6)
        #expect(examples.map(\.sequence.ids.count) == [5, 6, 3, 6] && truncated == 2)
        #expect(examples.map(\.example) == [0, 1, 2, 3])
        let pair = Example(text: "a b c d e f g", pair: "a b c d e f g")
        #expect(try encode(.embed, [pair], maxLength: 6).truncated == 1, "a pair is one example")
    }
}
