import JSON
package import Messages

extension InferRequest: TaskForm {
    /// Tensors are objects with the keys of the KServe protocol.
    package mutating func read(_ input: FormObject) throws(FormError) {
        inputs = try input.required("inputs") { (key) throws(FormError) in
            try input.list(key, "a tensor") { (value) throws(FormError) in
                guard case .object = value else { return nil }
                return try Tensor(FormObject(value, at: "input.inputs"))
            }
        }
        outputs = try input.strings("outputs") ?? []
    }

    package func outcome(of answer: InferResponse) -> InferResponse? { answer }

    package func form(of outcome: InferResponse) -> AnswerValue {
        .object(["outputs": .list(outcome.outputs.map { $0.form })])
    }
}

extension Tensor {
    fileprivate init(_ object: FormObject) throws(FormError) {
        self.init(name: try object.required("name", object.string))
        shape = try object.required("shape") { (key) throws(FormError) in
            try object.list(key, "a size") {
                if case .integer(let size) = $0, size >= 0 { UInt64(size) } else { nil }
            }
        }
        let data = try object.required("data") { (key) throws(FormError) in
            try object.list(key, "a number") { $0.asNumber == nil ? nil : $0 }
        }
        switch try object.string("datatype") ?? "INT64" {
        case "INT64":
            for value in data {
                guard let integer = value.asInteger else {
                    throw FormError("\"data\" of '\(name)' holds \(value.kind), which is no INT64")
                }
                int64Data.append(integer)
            }
        case "FP32": (type, floatData) = (.float32, data.compactMap { $0.asNumber.map(Float.init) })
        case let other: throw FormError("\"datatype\" of '\(name)' is '\(other)'; it can be INT64 or FP32")
        }
    }

    fileprivate var form: AnswerValue {
        .object([
            "name": .text(name), "datatype": .text(type == .int64 ? "INT64" : "FP32"),
            "shape": .list(shape.map { .integer(Int(clamping: $0)) }),
            "data": type == .int64 ? .list(int64Data.map { .integer(Int($0)) }) : .numbers(floatData),
        ])
    }
}

extension JSONValue {
    /// The number where it has no fraction: `7`, `7.0`.
    fileprivate var asInteger: Int64? {
        if case .integer(let integer) = self { Int64(integer) } else { asNumber.flatMap { Int64(exactly: $0) } }
    }
}
