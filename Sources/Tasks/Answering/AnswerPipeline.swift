import Tensors
import Tokenization

struct AnswerPipeline: Pipeline {
    private struct Context {
        let scalars: [Unicode.Scalar]
        let windows: Range<Int>
    }

    private let options: AnswerOptions
    private var contexts: [Context] = []
    private var windows: [AnswerWindow] = []
    /// Of each window's rows.
    private var starts: [[Float]] = []
    private var ends: [[Float]] = []

    init(options: AnswerOptions) { self.options = options }

    mutating func add(_ context: String, _ windows: [AnswerWindow]) {
        contexts.append(
            Context(
                scalars: Array(context.unicodeScalars),
                windows: self.windows.count..<self.windows.count + windows.count
            )
        )
        self.windows += windows
        starts += windows.map { _ in [] }
        ends += windows.map { _ in [] }
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) {
        for row in 0..<values.rows {
            starts[sequence].append(values[row][0])
            ends[sequence].append(values[row][1])
        }
    }

    func finish() -> TaskResult {
        .answer(
            contexts.map { context in
                QuestionAnswers(
                    answers: answers(context),
                    tokens: windows[context.windows].reduce(0) { $0 + $1.encoding.count },
                    windows: context.windows.count
                )
            }
        )
    }

    private struct Candidate {
        let range: Range<Int>
        /// Sums are kept in double precision, as Python has them.
        var score: Double
    }

    private func answers(_ context: Context) -> [Answer] {
        // Some answers become one when they are aligned to words.
        let wanted = options.alignsToWords ? 2 * options.topK + 10 : options.topK
        var candidates: [Candidate] = []
        // By their texts in lower case: answers that differ in nothing else are one.
        var places: [[Unicode.Scalar]: Int] = [:]
        var nullScore = Float(1_000_000)
        for index in context.windows {
            let window = windows[index]
            let scores = SpanScores(
                rows: window.rows,
                starts: starts[index],
                ends: ends[index],
                longest: options.maxAnswerLength,
                count: wanted
            )
            nullScore = min(nullScore, scores.nullScore)
            for span in scores.spans {
                let (start, end) = window.scalars(from: span.first, to: span.last, aligned: options.alignsToWords)
                let upper = min(end, context.scalars.count)
                let range = min(start, upper)..<upper
                let folded = pythonLowercased(context.scalars[range])
                if let same = places[folded] {
                    candidates[same].score += Double(span.score)
                } else {
                    places[folded] = candidates.count
                    candidates.append(Candidate(range: range, score: Double(span.score)))
                }
            }
        }
        // Without a token that could be one, the answer is the empty one.
        if options.handlesImpossible || candidates.isEmpty {
            let score = options.handlesImpossible ? Double(nullScore) : 0
            candidates.append(Candidate(range: 0..<0, score: score))
        }
        let order = candidates.indices.sorted {
            candidates[$0].score != candidates[$1].score ? candidates[$0].score > candidates[$1].score : $0 < $1
        }
        return order.prefix(options.topK).map {
            let candidate = candidates[$0]
            return Answer(
                text: String(context.scalars[candidate.range]),
                score: Float(candidate.score),
                start: candidate.range.lowerBound,
                end: candidate.range.upperBound
            )
        }
    }
}
