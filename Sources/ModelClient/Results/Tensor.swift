package import Messages
import Wire

/// Numbers in a box of any number of dimensions: what a model takes and gives underneath the tasks.
public struct Tensor: Sendable, Hashable {
    /// The values, row by row: the last dimension changes fastest.
    public enum Values: Sendable, Hashable {
        /// 64-bit integers, such as token ids.
        case int64([Int64])
        /// 32-bit floating-point numbers.
        case float32([Float])

        /// How many values there are.
        public var count: Int {
            switch self {
            case .int64(let values): values.count
            case .float32(let values): values.count
            }
        }
    }

    /// The name, as in `input_ids` or `logits`.
    public var name: String
    /// The sizes of the dimensions, as in `[batch, tokens]`; empty for one number.
    public var shape: [Int]
    /// As many values as the product of the shape.
    public var values: Values

    /// Makes a tensor. One whose shape does not fit its values is refused when it is sent, with
    /// ``ModelClientError/Code/invalidArgument``.
    public init(_ name: String, shape: [Int], values: Values) {
        self.name = name
        self.shape = shape
        self.values = values
    }

    /// The values as floating-point numbers; nil when they are integers.
    public var floats: [Float]? {
        if case .float32(let values) = values { values } else { nil }
    }

    /// The values as integers; nil when they are floating-point numbers.
    public var integers: [Int64]? {
        if case .int64(let values) = values { values } else { nil }
    }

    package init(_ message: Messages.Tensor) {
        self.init(
            message.name,
            shape: message.shape.map { Int(clamping: $0) },
            values: message.type == .int64 ? .int64(message.int64Data) : .float32(message.floatData)
        )
    }

    package var message: Messages.Tensor {
        var message = Messages.Tensor(name: name, shape: shape.map { UInt64(clamping: $0) })
        switch values {
        case .int64(let values):
            message.type = .int64
            message.int64Data = values
        case .float32(let values):
            message.type = .float32
            message.floatData = values
        }
        return message
    }
}

/// What a model gave for raw tensors.
public struct InferenceOutput: Sendable, Hashable {
    /// The outputs, by the model's names.
    public var tensors: [Tensor]
    /// How many tokens were computed.
    public var tokens: Int
    /// Who answered, and where the time went.
    public var metadata: ResponseMetadata

    /// The output of that name; nil when there is none.
    public subscript(name: String) -> Tensor? { tensors.first { $0.name == name } }

    /// Makes an output, as a test double does.
    public init(tensors: [Tensor], tokens: Int = 0, metadata: ResponseMetadata = ResponseMetadata()) {
        self.tensors = tensors
        self.tokens = tokens
        self.metadata = metadata
    }
}
