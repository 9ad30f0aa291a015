import AnswerForms
import ArgumentParser
import JSON
import Messages

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

    func validateOptions() throws {
        guard inputs.textPair == nil, !inputs.truncate else {
            throw ValidationError("infer takes neither --text-pair nor --truncate")
        }
    }

    /// A text of the command line is an object, too.
    func input(_ line: JSONValue) throws(FormError) -> JSONValue {
        guard case .string(let text) = line else { return line }
        guard text.first(where: { !$0.isWhitespace }) == "{" else {
            throw FormError(
                "infer takes tensors, as in "
                    + "{\"inputs\":[{\"name\":\"input_ids\",\"shape\":[1,3],\"data\":[101,7592,102]}]}"
            )
        }
        return try TaskInput.parse(Array(text.utf8))
    }

    var request: InferRequest { InferRequest() }

    /// Name, shape and first values of each tensor.
    func lines(_ outcome: InferResponse, to request: InferRequest, label: String) -> [String] {
        outcome.outputs.map { tensor in
            let integers = tensor.int64Data.prefix(6).map { "\($0)" } + (tensor.int64Data.count > 6 ? ["…"] : [])
            let values = tensor.type == .int64 ? integers.joined(separator: ", ") : HumanText.first(tensor.floatData)
            let shape = tensor.shape.isEmpty ? "one value" : tensor.shape.map { "\($0)" }.joined(separator: "×")
            return "\(Style.bold(HumanText.printable(tensor.name)))  \(shape)  [\(values)]"
        }
    }
}
