import Messages
import Wire

/// What a task is asked about, as it travels.
protocol TaskInput: Sendable {
    /// The bytes of text that are computed for it.
    var bytes: Int { get }
}

extension String: TaskInput {
    var bytes: Int { utf8.count }
}

extension Messages.TextInput: TaskInput {
    var bytes: Int { text.bytes + textPair.bytes }

    init(_ input: TextInput) {
        self.init(text: input.text, textPair: input.pair ?? "", hasPair: input.pair != nil)
    }
}

extension Messages.QuestionInput: TaskInput {
    var bytes: Int { question.bytes + context.bytes }
}

extension Messages.ChoiceInput: TaskInput {
    var bytes: Int { choices.reduce(0) { $0 + text.bytes + $1.bytes } }
}

/// A task's call: its message, where inputs go into it, and what the results of its answer become.
struct Inference<Message: RPCRequest & WireMessage, Input: TaskInput, Item, Value: Sendable>: Sendable
where Message.Answer: WireMessage {
    typealias Inputs = any WritableKeyPath<Message, [Input]> & Sendable
    typealias Results = any KeyPath<Message.Answer, [Item]> & Sendable

    /// The request without its inputs.
    private let message: Message
    private let inputs: Inputs
    private let results: Results
    let model: String
    let metadata: RequestMetadata
    var timeout: Duration?
    /// The value of one result, which belongs to an input and came with the metadata.
    private let value: @Sendable (Item, Input, ResponseMetadata) throws(WireError) -> Value
    /// The most inputs of one request. A call with more makes several requests.
    var requestInputs = 64
    /// The bytes of text that are computed for an input.
    var bytes: @Sendable (Input) -> Int = { $0.bytes }

    init(
        _ message: Message,
        _ inputs: Inputs,
        _ results: Results,
        _ model: String,
        _ metadata: RequestMetadata,
        _ timeout: Duration?,
        value: @escaping @Sendable (Item, Input, ResponseMetadata) throws(WireError) -> Value
    ) {
        (self.message, self.inputs, self.results, self.value) = (message, inputs, results, value)
        (self.model, self.metadata, self.timeout) = (model, metadata, timeout)
    }

    /// The request for some of the inputs.
    func request(_ inputs: ArraySlice<Input>) -> Message {
        var message = message
        message[keyPath: self.inputs] = Array(inputs)
        return message
    }

    /// Reads the answer to them: one value per input.
    func values(
        _ answer: Message.Answer,
        _ inputs: ArraySlice<Input>,
        _ metadata: ResponseMetadata
    ) throws(WireError) -> [Value] {
        let results = answer[keyPath: self.results]
        guard results.count == inputs.count else {
            throw WireError(.invalidValue, "it has \(results.count) results for \(inputs.count) inputs")
        }
        return try zip(results, inputs).map { (result, input) throws(WireError) in try value(result, input, metadata) }
    }

    /// Cuts the inputs into requests.
    fileprivate func parts(of inputs: [Input]) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = 0
        var sum = 0
        for (index, input) in inputs.enumerated() {
            let next = bytes(input)
            if index > start, index - start >= requestInputs || sum + next > requestBytes {
                parts.append(start..<index)
                (start, sum) = (index, 0)
            }
            sum += next
        }
        parts.append(start..<inputs.count)
        return parts
    }
}

/// The most bytes of text of one request, so that a frame stays far below what either side accepts.
private let requestBytes = 1 << 20

extension ModelClient {
    /// Makes a call about any number of inputs: one request, or several at the same time when they are many or large.
    ///
    /// - Returns: one value per input, in order.
    nonisolated(nonsending) func infer<Message, Input, Item, Value>(
        _ call: Inference<Message, Input, Item, Value>,
        _ inputs: [Input]
    ) async throws(ModelClientError) -> [Value] {
        guard !inputs.isEmpty else { return [] }
        let parts = call.parts(of: inputs)
        guard parts.count > 1 else { return try await request(call, inputs[...]) }
        let answers = await withTaskGroup(of: PartAnswer<Value>.self) { group in
            for (index, part) in parts.enumerated() {
                group.addTask {
                    let values = await ModelClientError.result { try await self.request(call, inputs[part]) }
                    return PartAnswer(index: index, values: values)
                }
            }
            var answers: [PartAnswer<Value>] = []
            for await answer in group {
                if case .failure = answer.values {
                    // The others' answers will not be looked at.
                    group.cancelAll()
                    return [answer]
                }
                answers.append(answer)
            }
            return answers.sorted { $0.index < $1.index }
        }
        var values: [Value] = []
        values.reserveCapacity(inputs.count)
        for answer in answers { values += try answer.values.get() }
        return values
    }

    /// Makes one request; halves it when it, or its answer, is larger than a frame.
    private nonisolated(nonsending) func request<Message, Input, Item, Value>(
        _ call: Inference<Message, Input, Item, Value>,
        _ inputs: ArraySlice<Input>
    ) async throws(ModelClientError) -> [Value] {
        let end = ContinuousClock.now + (call.timeout ?? configuration.defaultTimeout)
        do throws(ModelClientError) {
            return try await ask(
                call.request(inputs),
                model: call.model,
                metadata: call.metadata,
                cost: inputs.reduce(0) { $0 + call.bytes($1) },
                timeout: call.timeout
            ) { (answer, metadata) throws(WireError) in try call.values(answer, inputs, metadata) }
        } catch {
            let isTooLarge =
                error.code == .resourceExhausted && error.origin == .client
                || error.code == .outOfRange && error.origin == .server
            guard isTooLarge, inputs.count > 1 else { throw error }
            let middle = inputs.startIndex + inputs.count / 2
            var half = call
            half.timeout = end - .now
            let first = try await request(half, inputs[..<middle])
            half.timeout = end - .now
            return first + (try await request(half, inputs[middle...]))
        }
    }
}

/// What became of one of a call's requests. Not a tuple: the optimiser reads one that a group's child returns wrongly.
private struct PartAnswer<Value: Sendable>: Sendable {
    let index: Int
    let values: Result<[Value], ModelClientError>
}

/// A number of the options as it travels: 0 where the caller leaves it to the server.
func given(_ number: Int?, _ name: String, _ model: String) throws(ModelClientError) -> UInt32 {
    guard let number else { return 0 }
    guard number > 0 else {
        let message = "\(name): it is \(number); it must be at least 1"
        throw ModelClientError(code: .invalidArgument, message: message, model: model)
    }
    return UInt32(clamping: number)
}
