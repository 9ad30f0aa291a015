package import Messages

extension Tensor {
    /// - Throws: `WireError` when the shape does not fit the values.
    package func validate() throws(WireError) {
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
