internal import CKernels

/// Arithmetic by its definition, in double precision and without packed weights: what known answers are made with.
package enum Reference {
    /// y = x·Wᵀ + b: x [rows, inputs], `weight` [outputs, inputs] row by row, as a checkpoint has it; y [rows, outputs].
    package static func product(
        _ x: [Double],
        weight: UnsafePointer<Float>,
        bias: [Float]?,
        rows: Int,
        outputs: Int,
        inputs: Int
    ) throws(TensorError) -> [Double] {
        var y = [Double](repeating: 0, count: rows * outputs)
        guard ck_reference_product(x, weight, bias, &y, rows, outputs, inputs) else {
            throw .resource("no memory for a product of \(rows) rows with a weight [\(outputs), \(inputs)]")
        }
        return y
    }

    /// Rounds a weight's rows in place to what `format` can hold, as packing does: bfloat16 to the nearest, ties to even;
    /// int8 to 2·`levels` + 1 multiples of a step that is a row's largest magnitude / `levels`.
    package static func round(
        _ weight: UnsafeMutablePointer<Float>,
        rows: Int,
        columns: Int,
        to format: WeightFormat,
        levels: Int
    ) {
        switch format {
        case .float32: break
        case .bfloat16:
            for index in 0..<rows * columns { weight[index] = bfloat16(weight[index]) }
        case .int8:
            for row in 0..<rows {
                let values = weight + row * columns
                var largest: Float = 0
                for column in 0..<columns { largest = max(largest, abs(values[column])) }
                let scale = largest / Float(levels)
                let inverse = Float(levels) / largest
                guard largest > 0, largest.isFinite else { continue }
                guard inverse.isFinite else {
                    for column in 0..<columns { values[column] = 0 }
                    continue
                }
                for column in 0..<columns {
                    values[column] = (values[column] * inverse).rounded(.toNearestOrEven) * scale
                }
            }
        }
    }

    /// The nearest bfloat16, ties to even.
    package static func bfloat16(_ value: Float) -> Float {
        guard value.isFinite else { return value }
        let bits = value.bitPattern
        let half = (bits >> 16 & 1) + 0x7FFF
        return Float(bitPattern: (bits + half) & 0xFFFF_0000)
    }

    /// Rounds a row of inputs in place as int8 products do: to 256 levels between its least and its largest value.
    package static func quantize(_ row: inout ArraySlice<Double>) {
        guard let least = row.min(), let largest = row.max(), largest > least else { return }
        let step = (largest - least) / 255
        for index in row.indices {
            row[index] = least + ((row[index] - least) / step).rounded(.toNearestOrEven) * step
        }
    }
}

extension Reference {
    /// An activation of the plain kernels.
    package static func activation(_ activation: Activation, _ x: Double) -> Double {
        var value = Float(x)
        ck_kernels_for(CK_ISA_PLAIN).pointee.activate(activation.code, &value, 1)
        return Double(value)
    }
}
