import ArgumentParser
import ModelClient

/// `modelctl infer`.
struct Infer: TaskCommand {
    static let configuration = CommandConfiguration(
        abstract: "Computes a model on raw tensors.",
        discussion: """
            Inputs are objects, as lines of a --file or as texts: \
            {"inputs":[{"name":"input_ids","shape":[1,3],"data":[101,7592,102]}…],"outputs":["logits"]}. A tensor may name \
            its "datatype": INT64, the default, or FP32. With --json one line per input: \
            {"outputs":[{"name","datatype","shape","data"}…]}.
            """
    )

    @OptionGroup var inputs: InputOptions

    /// Tensors and the names of the wanted outputs.
    struct Query: Sendable {
        var inputs: [Tensor]
        var outputs: [String]
    }

    func validate() throws {
        try validateInputs()
        guard inputs.textPair == nil, !inputs.truncate else {
            throw ValidationError("infer takes neither --text-pair nor --truncate")
        }
    }

    var query: @Sendable (InputLine) throws(InputError) -> Query {
        { (line) throws(InputError) in
            // A text of the command line is an object, too.
            let object =
                try line.inputs == nil ? line.text.map(Self.object) ?? line : line
            var tensors: [Tensor] = []
            for input in try InputLine.required(object.inputs, "inputs") { tensors.append(try input.tensor()) }
            return Query(inputs: tensors, outputs: object.outputs ?? [])
        }
    }

    private static func object(_ text: String) throws(InputError) -> InputLine {
        guard text.first(where: { !$0.isWhitespace }) == "{" else {
            throw InputError(
                message: "infer takes tensors, as in "
                    + "{\"inputs\":[{\"name\":\"input_ids\",\"shape\":[1,3],\"data\":[101,7592,102]}]}"
            )
        }
        return try InputLine.parse(Array(text.utf8)).get()
    }

    var ask: @Sendable (ModelClient, Query) async throws(ModelClientError) -> InferenceOutput {
        {
            [model = inputs.model, timeout = inputs.timeout.duration] client, query async throws(ModelClientError) in
            try await client.infer(query.inputs, outputs: query.outputs, model: model, timeout: timeout)
        }
    }

    static func json(_ answer: InferenceOutput) -> String {
        let outputs = answer.tensors.map { tensor in
            let (type, data) =
                switch tensor.values {
                case .int64(let values): ("INT64", JSONText.array(values.lazy.map { "\($0)" }))
                case .float32(let values): ("FP32", JSONText.array(values.lazy.map(JSONText.number)))
                }
            return JSONText.object([
                "name": JSONText.string(tensor.name), "datatype": JSONText.string(type),
                "shape": JSONText.array(tensor.shape.map { "\($0)" }), "data": data,
            ])
        }
        return JSONText.object(["outputs": JSONText.array(outputs)])
    }

    var text: TensorText { TensorText() }
}

/// Tensors for people: name, shape, first values.
struct TensorText: TaskText {
    func lines(_ answer: InferenceOutput, to input: TaskInput) -> [String] {
        answer.tensors.map { tensor in
            let first =
                switch tensor.values {
                case .int64(let values): values.prefix(6).map { "\($0)" }
                case .float32(let values): values.prefix(6).map { HumanText.fixed(Double($0), 4) }
                }
            let shape = tensor.shape.map { "\($0)" }.joined(separator: "×")
            let values = first.joined(separator: ", ") + (tensor.values.count > 6 ? ", …" : "")
            return
                "\(Style.bold(HumanText.printable(tensor.name)))  \(shape.isEmpty ? "one value" : shape)  [\(values)]"
        }
    }
}
