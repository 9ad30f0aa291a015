import Messages
import Tasks
import Wire

extension InferRequest {
    var taskRequest: TaskRequest { .infer(inputs.map(RawTensor.init), outputs: outputs) }
}

extension RawTensor {
    fileprivate init(_ tensor: Tensor) {
        self.init(
            name: tensor.name,
            shape: tensor.shape.map { Int(clamping: $0) },
            values: tensor.type == .int64 ? .integers(tensor.int64Data) : .floats(tensor.floatData)
        )
    }
}

extension Tensor {
    init(_ tensor: RawTensor) {
        let shape = tensor.shape.map { UInt64($0) }
        switch tensor.values {
        case .integers(let values): self.init(name: tensor.name, type: .int64, shape: shape, int64Data: values)
        case .floats(let values): self.init(name: tensor.name, type: .float32, shape: shape, floatData: values)
        }
    }
}
