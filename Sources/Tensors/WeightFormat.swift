internal import CKernels

/// What the numbers of a weight are stored as. The raw values are the names of variants.
///
/// Whatever the format, activations are float32 between operations, and biases, residuals, LayerNorm and softmax are
/// computed in it.
package enum WeightFormat: String, Sendable, CaseIterable {
    case float32 = "fp32"
    /// The nearest bfloat16; products are computed in float32, where the instruction set multiplies bfloat16
    /// (`InstructionSet.roundsActivations`) of rounded activations.
    case bfloat16 = "bf16"
    /// A scale for each output and codes in [−64, 64]; products quantise each row of activations to 256 levels between
    /// its least and its largest value, and sum integers exactly: the same ones on every instruction set.
    case int8

    var code: ck_format {
        switch self {
        case .float32: CK_FORMAT_FLOAT32
        case .bfloat16: CK_FORMAT_BFLOAT16
        case .int8: CK_FORMAT_INT8
        }
    }
}

/// Rows of a table of which single rows are looked up, such as word embeddings: [rows, columns] in one format.
package struct PackedTable {
    package let format: WeightFormat
    package let values: UnsafeRawPointer
    /// What the codes of each row are multiplied by, [rows]; int8 alone has them.
    package let scales: UnsafePointer<Float>?

    package init(format: WeightFormat, values: UnsafeRawPointer, scales: UnsafePointer<Float>?) {
        self.format = format
        self.values = values
        self.scales = scales
    }

    /// Bytes that values [rows, columns] take, without scales.
    package static func byteCount(_ format: WeightFormat, rows: Int, columns: Int) -> Int {
        switch format {
        case .float32: rows * columns * 4
        case .bfloat16: rows * columns * 2
        case .int8: rows * columns
        }
    }

    /// Σ weights[r] · row r of values [rows, columns], in double precision.
    package func weightedSum(rows: Int, columns: Int, _ weights: [Double]) -> [Double] {
        var sums = [Double](repeating: 0, count: columns)
        for row in 0..<rows {
            let start = row * columns
            switch format {
            case .float32:
                let values = values.assumingMemoryBound(to: Float.self) + start
                for column in 0..<columns { sums[column] += weights[row] * Double(values[column]) }
            case .bfloat16:
                let values = values.assumingMemoryBound(to: UInt16.self) + start
                for column in 0..<columns {
                    sums[column] += weights[row] * Double(Float(bitPattern: UInt32(values[column]) << 16))
                }
            case .int8:
                let values = values.assumingMemoryBound(to: Int8.self) + start
                let factor = weights[row] * Double(scales?[row] ?? 0)
                for column in 0..<columns { sums[column] += factor * Double(values[column]) }
            }
        }
        return sums
    }

    /// Stores float32 values [rows, columns] at `destination` and, of int8, the rows' scales at `scales`.
    package static func pack(
        _ values: UnsafePointer<Float>,
        rows: Int,
        columns: Int,
        as format: WeightFormat,
        to destination: UnsafeMutableRawPointer,
        scales: UnsafeMutablePointer<Float>?
    ) {
        switch format {
        case .float32:
            destination.copyMemory(from: values, byteCount: rows * columns * MemoryLayout<Float>.stride)
        case .bfloat16:
            ck_to_bfloat16_row(values, rows * columns, destination.assumingMemoryBound(to: UInt16.self))
        case .int8:
            let codes = destination.assumingMemoryBound(to: Int8.self)
            for row in 0..<rows {
                let scale = ck_quantize_row(values + row * columns, columns, 127, codes + row * columns)
                scales?[row] = scale
            }
        }
    }
}
