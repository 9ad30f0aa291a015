package import CWireMessages

package enum ElementType: UInt32, Sendable, CaseIterable {
    case int64 = 0
    case float32 = 1
}

/// As many values as the product of the shape, row by row, in the list of its type; the other list is empty.
///
/// Decoding checks that.
package struct Tensor: Sendable, Equatable {
    package var name: String
    package var type: ElementType
    package var shape: [UInt64]
    package var int64Data: [Int64]
    package var floatData: [Float]

    package init(
        name: String = "",
        type: ElementType = .int64,
        shape: [UInt64] = [],
        int64Data: [Int64] = [],
        floatData: [Float] = []
    ) {
        self.name = name
        self.type = type
        self.shape = shape
        self.int64Data = int64Data
        self.floatData = floatData
    }
}

extension Tensor: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__Tensor>) {
        inference__v1__tensor__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__Tensor, _ arena: inout EncodingArena) {
        structure.name = arena.text(name)
        structure.type = Inference__V1__ElementType(rawValue: type.rawValue)
        (structure.n_shape, structure.shape) = arena.numbers(shape)
        (structure.n_int64_data, structure.int64_data) = arena.numbers(int64Data)
        (structure.n_float_data, structure.float_data) = arena.numbers(floatData)
    }

    package init(_ structure: Inference__V1__Tensor) throws(WireError) {
        self.init(
            name: try decodeText(structure.name, "name"),
            type: try decodeEnum(structure.type.rawValue, "type"),
            shape: decodeNumbers(structure.n_shape, structure.shape),
            int64Data: decodeNumbers(structure.n_int64_data, structure.int64_data),
            floatData: decodeNumbers(structure.n_float_data, structure.float_data)
        )
        try checkShape()
    }
}

extension Tensor {
    /// - Throws: `WireError` when the shape does not fit the values.
    private func checkShape() throws(WireError) {
        let (values, field) =
            switch type {
            case .int64: (int64Data.count, "int64_data")
            case .float32: (floatData.count, "float_data")
            }
        guard values == int64Data.count + floatData.count else {
            let other = type == .int64 ? "float_data" : "int64_data"
            throw WireError(.invalidValue, field: other, "a tensor of this type has its values in \(field)")
        }
        var product: UInt64 = 1
        var overflows = false
        for size in shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: size)
            overflows = overflows || overflow
            product = next
        }
        guard !overflows || shape.contains(0), (shape.contains(0) ? 0 : product) == UInt64(values) else {
            let text = shape.map(String.init).joined(separator: ", ")
            throw WireError(.invalidValue, field: "shape", "[\(text)] does not fit the \(values) values of \(field)")
        }
    }
}

package struct InferRequest: Sendable, Equatable {
    package var inputs: [Tensor]
    /// Names; empty: all that the model has.
    package var outputs: [String]

    package init(
        inputs: [Tensor] = [],
        outputs: [String] = []
    ) {
        self.inputs = inputs
        self.outputs = outputs
    }
}

extension InferRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__InferRequest>) {
        inference__v1__infer_request__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__InferRequest, _ arena: inout EncodingArena) {
        (structure.n_inputs, structure.inputs) = arena.messages(inputs)
        (structure.n_outputs, structure.outputs) = arena.texts(outputs)
    }

    package init(_ structure: Inference__V1__InferRequest) throws(WireError) {
        self.init(
            inputs: try decodeMessages(structure.n_inputs, structure.inputs, "inputs"),
            outputs: try decodeTexts(structure.n_outputs, structure.outputs, "outputs")
        )
    }
}

package struct InferResponse: Sendable, Equatable {
    package var outputs: [Tensor]
    /// That were computed.
    package var tokens: UInt32

    package init(
        outputs: [Tensor] = [],
        tokens: UInt32 = 0
    ) {
        self.outputs = outputs
        self.tokens = tokens
    }
}

extension InferResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Inference__V1__InferResponse>) {
        inference__v1__infer_response__init(structure)
    }

    package func fill(_ structure: inout Inference__V1__InferResponse, _ arena: inout EncodingArena) {
        (structure.n_outputs, structure.outputs) = arena.messages(outputs)
        structure.tokens = tokens
    }

    package init(_ structure: Inference__V1__InferResponse) throws(WireError) {
        self.init(
            outputs: try decodeMessages(structure.n_outputs, structure.outputs, "outputs"),
            tokens: structure.tokens
        )
    }
}
