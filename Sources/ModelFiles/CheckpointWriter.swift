import Glibc
import JSON

/// Writes a safetensors file as `transformers` does: `Checkpoint` reads it.
package enum CheckpointWriter {
    /// A tensor of the file and its values, in row-major order; they are read once, while the file is written.
    package struct Tensor {
        package let name: String
        /// Sizes, outermost first.
        package let shape: [Int]
        package let values: UnsafePointer<Float>

        package init(name: String, shape: [Int], values: UnsafePointer<Float>) {
            self.name = name
            self.shape = shape
            self.values = values
        }

        fileprivate var count: Int { shape.reduce(1, *) }
    }

    /// Writes the tensors, in this order, in the type F32, F16 or BF16, rounded to nearest, ties to even.
    ///
    /// - Throws: when the file cannot be written, which leaves none; when a value is not finite, or not in that type.
    package static func write(_ tensors: [Tensor], as type: ElementType, to path: String) throws(ModelFilesError) {
        precondition(type.isWeight)
        let header = header(tensors, type)
        let file = try OutputFile(path)
        try file.reserve(header.count + tensors.reduce(0) { $0 + $1.count * type.size })
        try lend(header, to: file)
        for tensor in tensors {
            var start = 0
            while start < tensor.count {
                let values = UnsafeBufferPointer(
                    start: tensor.values + start,
                    count: min(chunkValues, tensor.count - start)
                )
                if let index = firstUnwritable(values, type) {
                    throw ModelFilesError(
                        .unwritableFile,
                        file: path,
                        "the value \(start + index) of the tensor \(quoted(tensor.name)) is \(values[index]), which is no "
                            + "finite \(type.rawValue)" + (type == .float16 ? "; write BF16 or F32" : "")
                    )
                }
                switch type {
                case .float16: try lend(values.map { Float16($0).bitPattern.littleEndian }, to: file)
                case .bfloat16: try lend(values.map { bfloat16($0).littleEndian }, to: file)
                default: try file.write(UnsafeRawBufferPointer(values))
                }
                start += values.count
            }
        }
        try file.publish()
    }

    private static let chunkValues = 1 << 18

    private static func lend<Number>(_ numbers: [Number], to file: OutputFile) throws(ModelFilesError) {
        let result = numbers.withUnsafeBytes { bytes in
            Result { () throws(ModelFilesError) in try file.write(bytes) }
        }
        try result.get()
    }

    /// The header's length, the header, and spaces to a multiple of 8 bytes.
    private static func header(_ tensors: [Tensor], _ type: ElementType) -> [UInt8] {
        var members: [(key: String, value: JSONValue)] = [("__metadata__", .object(["format": .string("pt")]))]
        var end = 0
        for tensor in tensors {
            let start = end
            end += tensor.count * type.size
            let entry: JSONObject = [
                "dtype": .string(type.rawValue), "shape": .array(tensor.shape.map { .integer($0) }),
                "data_offsets": .array([.integer(start), .integer(end)]),
            ]
            members.append((tensor.name, .object(entry)))
        }
        var text = Array(JSONValue.object(JSONObject(members)).json.utf8)
        while !text.count.isMultiple(of: 8) { text.append(UInt8(ascii: " ")) }
        return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
    }

    // MARK: - Numbers

    /// The first value that the type has no finite number for.
    private static func firstUnwritable(_ values: UnsafeBufferPointer<Float>, _ type: ElementType) -> Int? {
        // Beyond these a value rounds to infinity: half a step above the largest number.
        let limit: Float =
            switch type {
            case .float16: 65_520
            case .bfloat16: Float(bitPattern: 0x7F7F_8000)
            default: .infinity
            }
        return values.firstIndex { !(abs($0) < limit) }
    }

    /// The upper half of a float's bits, rounded to nearest, ties to even.
    private static func bfloat16(_ value: Float) -> UInt16 {
        let bits = value.bitPattern
        return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    }
}
