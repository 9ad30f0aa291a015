extension ModelClient {
    /// Makes a call about each element of an asynchronous sequence, and gives the answers in the sequence's order.
    ///
    /// ```swift
    /// let answers = client.answers(to: feed) { try await $0.classify($1, model: "sentiment") }
    /// for try await item in answers {
    ///     switch item.result {
    ///     case .success(let answer): print(item.input, answer.label)
    ///     case .failure(let error): print(item.input, error)
    ///     }
    /// }
    /// ```
    ///
    /// At most `inFlight` elements are read ahead of the loop: a slow loop or a slow server holds back whoever fills the
    /// sequence, and nothing piles up. A call that fails is an element, too; the sequence goes on. Leaving the loop cancels
    /// the calls that were made ahead.
    ///
    /// - Parameters:
    ///   - inputs: what to ask about.
    ///   - inFlight: how many elements are read ahead, and calls made at the same time, at most; from 1.
    ///   - call: makes the call about one element. What it throws besides ``ModelClientError`` becomes one of code
    ///     ``ModelClientError/Code/unknown`` and origin ``ModelClientError/Origin/client``, with the error as its cause.
    /// - Returns: a sequence for one loop. It throws what `inputs` throws.
    public func answers<Inputs: AsyncSequence & Sendable, Answer: Sendable>(
        to inputs: Inputs,
        inFlight: Int = 32,
        _ call: @escaping @Sendable (ModelClient, Inputs.Element) async throws -> Answer
    ) -> AnswerStream<Inputs, Answer> where Inputs.Element: Sendable {
        AnswerStream(inputs: inputs, inFlight: max(1, inFlight)) { input in
            await ModelClientError.result { try await call(self, input) }
        }
    }

    /// Classifies a stream of texts, in order; see ``answers(to:inFlight:_:)``.
    ///
    /// ```swift
    /// for try await item in client.classify(feed, model: "sentiment") {
    ///     print(item.input, (try? item.answer.label) ?? "no answer")
    /// }
    /// ```
    public func classify<Texts: AsyncSequence & Sendable>(
        _ texts: Texts,
        model: String,
        options: ClassifyOptions = ClassifyOptions(),
        timeout: Duration? = nil,
        inFlight: Int = 32
    ) -> AnswerStream<Texts, Classification> where Texts.Element == String {
        answers(to: texts, inFlight: inFlight) { client, text in
            try await client.classify(text, model: model, options: options, timeout: timeout)
        }
    }

    /// Turns a stream of texts into vectors, in order; see ``answers(to:inFlight:_:)``.
    ///
    /// ```swift
    /// for try await item in client.embed(lines, model: "minilm") { index.add(item.input, try item.answer.values) }
    /// ```
    public func embed<Texts: AsyncSequence & Sendable>(
        _ texts: Texts,
        model: String,
        options: EmbedOptions = EmbedOptions(),
        timeout: Duration? = nil,
        inFlight: Int = 32
    ) -> AnswerStream<Texts, Embedding> where Texts.Element == String {
        answers(to: texts, inFlight: inFlight) { client, text in
            try await client.embed(text, model: model, options: options, timeout: timeout)
        }
    }

    /// Tags a stream of texts, in order; see ``answers(to:inFlight:_:)``.
    ///
    /// ```swift
    /// for try await item in client.tag(articles, model: "ner") { print(try item.answer.entities.map(\.text)) }
    /// ```
    public func tag<Texts: AsyncSequence & Sendable>(
        _ texts: Texts,
        model: String,
        options: TagOptions = TagOptions(),
        timeout: Duration? = nil,
        inFlight: Int = 32
    ) -> AnswerStream<Texts, TaggedText> where Texts.Element == String {
        answers(to: texts, inFlight: inFlight) { client, text in
            try await client.tag(text, model: model, options: options, timeout: timeout)
        }
    }

    /// Answers a stream of questions, in order; see ``answers(to:inFlight:_:)``.
    ///
    /// ```swift
    /// for try await item in client.answer(questions, model: "qa") { print(item.input.question, try item.answer.text) }
    /// ```
    public func answer<Questions: AsyncSequence & Sendable>(
        _ questions: Questions,
        model: String,
        options: AnswerOptions = AnswerOptions(),
        timeout: Duration? = nil,
        inFlight: Int = 32
    ) -> AnswerStream<Questions, QuestionAnswer> where Questions.Element == QuestionInput {
        answers(to: questions, inFlight: inFlight) { client, question in
            try await client.answer([question], model: model, options: options, timeout: timeout)[0]
        }
    }
}

/// One element of a stream and its answer.
public struct StreamedAnswer<Input: Sendable, Answer: Sendable>: Sendable {
    /// What was asked about.
    public var input: Input
    /// The answer, or why there is none.
    public var result: Result<Answer, ModelClientError>
    /// From the moment at which the element was read until its answer was there.
    public var elapsed: Duration

    /// The answer.
    ///
    /// - Throws: ``ModelClientError``: why there is none.
    public var answer: Answer {
        get throws(ModelClientError) { try result.get() }
    }
}

/// Answers to a stream, in its order; see ``ModelClient/answers(to:inFlight:_:)``.
public struct AnswerStream<Inputs: AsyncSequence & Sendable, Answer: Sendable>: AsyncSequence, Sendable
where Inputs.Element: Sendable {
    /// An input and its answer.
    public typealias Element = StreamedAnswer<Inputs.Element, Answer>
    /// What the inputs' sequence throws.
    public typealias Failure = Inputs.Failure

    let inputs: Inputs
    let inFlight: Int
    let run: @Sendable (Inputs.Element) async -> Result<Answer, ModelClientError>

    /// Begins the loop.
    public func makeAsyncIterator() -> Iterator {
        Iterator(ReadAhead(inputs: inputs, limit: inFlight, run: run))
    }

    /// Waits for one answer after the other.
    public struct Iterator: AsyncIteratorProtocol {
        /// Stops reading ahead when the loop is left.
        private final class Loop: Sendable {
            let window: ReadAhead<Inputs, Answer>
            init(_ window: ReadAhead<Inputs, Answer>) { self.window = window }
            deinit { window.cancel() }
        }

        private let loop: Loop

        init(_ window: ReadAhead<Inputs, Answer>) {
            loop = Loop(window)
            window.start()
        }

        /// The next answer; nil after the last, or when the task was cancelled.
        public mutating func next(isolation actor: isolated (any Actor)?) async throws(Inputs.Failure) -> Element? {
            let window = loop.window
            let result = await withTaskCancellationHandler(
                operation: { await window.next() },
                onCancel: { window.cancel() },
                isolation: actor
            )
            return try result.get()
        }
    }
}
