import Messages
import Wire

/// What the calls of one task have in common: how inputs become a request, and its answer values.
struct Inference<Input: Sendable, Answer: WireMessage, Value: Sendable>: Sendable {
    var method: String
    var model: String
    var metadata: RequestMetadata
    var timeout: Duration?
    /// The most inputs of one request. A call with more makes several requests.
    var requestInputs = 64
    /// The bytes of text that are computed for an input.
    var bytes: @Sendable (Input) -> Int
    /// Encodes the request message for some of the inputs.
    var payload: @Sendable (ArraySlice<Input>) -> [UInt8]
    /// Reads the answer to them: one value an input.
    var values: @Sendable (Answer, ArraySlice<Input>, ResponseMetadata) throws(WireError) -> [Value]

    /// The most bytes of text of one request, so that a frame stays far below what either side accepts.
    fileprivate static var requestBytes: Int { 1 << 20 }
}

extension ModelClient {
    /// Makes a call about any number of inputs: one request, or several at the same time when they are many or large.
    ///
    /// - Returns: one value an input, in order.
    nonisolated(nonsending) func infer<Input, Answer, Value>(
        _ call: Inference<Input, Answer, Value>,
        _ inputs: [Input]
    ) async throws(ModelClientError) -> [Value] {
        guard !inputs.isEmpty else { return [] }
        let parts = Self.parts(of: inputs, call)
        guard parts.count > 1 else { return try await request(call, inputs[...]) }
        let answers = await withTaskGroup(of: PartAnswer<Value>.self) { group in
            for (index, part) in parts.enumerated() {
                group.addTask { await PartAnswer(index: index, outcome: self.outcome(call, inputs[part])) }
            }
            var answers: [PartAnswer<Value>] = []
            for await answer in group {
                if case .failure = answer.outcome {
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
        for answer in answers { values += try answer.outcome.get() }
        return values
    }

    private nonisolated(nonsending) func outcome<Input, Answer, Value>(
        _ call: Inference<Input, Answer, Value>,
        _ inputs: ArraySlice<Input>
    ) async -> Result<[Value], ModelClientError> {
        do throws(ModelClientError) {
            return .success(try await request(call, inputs))
        } catch {
            return .failure(error)
        }
    }

    /// Cuts the inputs into requests.
    private static func parts<Input, Answer, Value>(
        of inputs: [Input],
        _ call: Inference<Input, Answer, Value>
    ) -> [Range<Int>] {
        var parts: [Range<Int>] = []
        var start = 0
        var bytes = 0
        for index in inputs.indices {
            let next = call.bytes(inputs[index])
            let isFull =
                index - start >= call.requestInputs || bytes + next > Inference<Input, Answer, Value>.requestBytes
            if isFull, index > start {
                parts.append(start..<index)
                (start, bytes) = (index, 0)
            }
            bytes += next
        }
        parts.append(start..<inputs.count)
        return parts
    }

    /// Makes one request; halves it when it, or its answer, is larger than a frame.
    private nonisolated(nonsending) func request<Input, Answer, Value>(
        _ call: Inference<Input, Answer, Value>,
        _ inputs: ArraySlice<Input>
    ) async throws(ModelClientError) -> [Value] {
        var request = Request(
            method: call.method,
            model: call.model,
            requestID: call.metadata.requestID ?? "",
            traceparent: call.metadata.traceparent ?? "",
            costEstimate: UInt32(clamping: inputs.reduce(0) { $0 + call.bytes($1) })
        )
        request.payload = call.payload(inputs)
        let end = ContinuousClock.now + (call.timeout ?? configuration.defaultTimeout)
        let response: Response
        do throws(ModelClientError) {
            response = try await send(request, timeout: call.timeout)
        } catch {
            let isTooLarge =
                error.code == .resourceExhausted && error.origin == .client
                || error.code == .outOfRange && error.origin == .server
            guard isTooLarge, inputs.count > 1 else { throw error }
            let middle = inputs.startIndex + inputs.count / 2
            var half = call
            half.timeout = end - .now
            let first = try await self.request(half, inputs[..<middle])
            half.timeout = end - .now
            return first + (try await self.request(half, inputs[middle...]))
        }
        let values: [Value]
        do throws(WireError) {
            values = try call.values(try Answer.decode(response.payload), inputs, ResponseMetadata(response))
        } catch {
            throw .badPayload(error.message, model: call.model)
        }
        guard values.count == inputs.count else {
            throw .badPayload("it has \(values.count) results for \(inputs.count) inputs", model: call.model)
        }
        return values
    }
}

/// What became of one of a call's requests.
private struct PartAnswer<Value: Sendable>: Sendable {
    let index: Int
    let outcome: Result<[Value], ModelClientError>
}

/// A number of the options as it travels: 0 where the caller leaves it to the server.
func given(_ number: Int?, _ name: String, _ model: String) throws(ModelClientError) -> UInt32 {
    guard let number else { return 0 }
    guard number > 0 else {
        throw ModelClientError(
            code: .invalidArgument,
            message: "\(name): it is \(number); it must be at least 1",
            model: model
        )
    }
    return UInt32(clamping: number)
}

/// What `value` makes of each result and the input that it belongs to.
///
/// - Throws: `WireError` when there are more of one than of the other, and what `value` throws.
func paired<Result, Input, Value>(
    _ results: [Result],
    _ inputs: ArraySlice<Input>,
    _ value: (Result, Input) throws(WireError) -> Value
) throws(WireError) -> [Value] {
    guard results.count == inputs.count else {
        throw WireError(.invalidValue, "it has \(results.count) results for \(inputs.count) inputs")
    }
    var values: [Value] = []
    for (result, input) in zip(results, inputs) { values.append(try value(result, input)) }
    return values
}

extension TextInput {
    /// The bytes of its texts.
    var bytes: Int { text.utf8.count + (pair?.utf8.count ?? 0) }

    var message: Messages.TextInput {
        Messages.TextInput(text: text, textPair: pair ?? "", hasPair: pair != nil)
    }
}
