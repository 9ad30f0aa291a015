import Messages
import Tensors
import Tokenization

struct AnswerQuestionPipeline: Pipeline {
    private struct Context {
        let scalars: [Unicode.Scalar]
        let windows: Range<Int>
    }

    /// Answers to return, best first.
    private let count: Int
    /// The most tokens of an answer.
    private let longest: Int
    /// Whether the empty answer competes.
    private let handlesImpossible: Bool
    private let alignsToWords: Bool
    private var contexts: [Context] = []
    private var windows: [AnswerWindow] = []
    /// Of each window's rows.
    private var starts: [[Float]] = []
    private var ends: [[Float]] = []

    init(request: AnswerQuestionRequest) {
        count = request.topK.given ?? 1
        longest = request.maxAnswerLen.given ?? 15
        handlesImpossible = request.handleImpossibleAnswer
        alignsToWords = !request.withoutWordAlignment
    }

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

    func finish() -> InferenceResponse {
        let results = contexts.map { context in
            QuestionAnswers(
                answers: answers(context),
                tokens: UInt32(clamping: windows[context.windows].reduce(0) { $0 + $1.encoding.count }),
                windows: UInt32(clamping: context.windows.count)
            )
        }
        return .answerQuestion(AnswerQuestionResponse(results: results))
    }

    private struct Candidate {
        let range: Range<Int>
        /// Sums are kept in double precision, as Python has them.
        var score: Double
    }

    private func answers(_ context: Context) -> [AnswerSpan] {
        // Some answers become one when they are aligned to words.
        let wanted = alignsToWords ? 2 * count + 10 : count
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
                longest: longest,
                count: wanted
            )
            nullScore = min(nullScore, scores.nullScore)
            for span in scores.spans {
                let (start, end) = window.scalars(from: span.first, to: span.last, aligned: alignsToWords)
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
        if handlesImpossible || candidates.isEmpty {
            let score = handlesImpossible ? Double(nullScore) : 0
            candidates.append(Candidate(range: 0..<0, score: score))
        }
        let order = candidates.indices.sorted {
            candidates[$0].score != candidates[$1].score ? candidates[$0].score > candidates[$1].score : $0 < $1
        }
        return order.prefix(count).map {
            let candidate = candidates[$0]
            return AnswerSpan(
                answer: String(context.scalars[candidate.range]),
                score: Float(candidate.score),
                start: UInt32(clamping: candidate.range.lowerBound),
                end: UInt32(clamping: candidate.range.upperBound)
            )
        }
    }
}
