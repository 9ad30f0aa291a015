/// One tensor of a checkpoint, where it lies in the mapped file.
package struct TensorView: Sendable {
    /// The tensor's name in the file.
    package let name: String
    package let dtype: ElementType
    /// Sizes, outermost first; a linear layer's weight is [out, in].
    package let shape: [Int]
    /// The file that holds the tensor, kept mapped by this view.
    package let file: MappedFile
    private let range: Range<Int>

    init(_ entry: SafetensorsHeader.Entry, in file: MappedFile) {
        name = entry.name
        dtype = entry.dtype
        shape = entry.shape
        range = entry.range
        self.file = file
    }

    /// The elements, little-endian and in row-major order. Valid while this view or its checkpoint lives. They may begin
    /// at any byte: a safetensors file promises no alignment.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }

    /// The number of elements.
    package var count: Int { range.count / dtype.size }

    /// Copies elements to `destination`, converted to single precision (exactly: F16 and BF16 are subsets of F32), from the
    /// element `first` on, as many as the destination holds.
    ///
    /// The type must be one of weights (``ElementType/isWeight``), and the elements must be there.
    package func copyFloats(from first: Int = 0, to destination: UnsafeMutableBufferPointer<Float>) {
        precondition(dtype.isWeight && first >= 0 && first <= count && destination.count <= count - first)
        guard !destination.isEmpty else { return }
        let size = dtype.size
        let source = UnsafeRawBufferPointer(rebasing: bytes[first * size..<(first + destination.count) * size])
        switch dtype {
        case .float16:
            for index in destination.indices {
                let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
                destination[index] = Float(Float16(bitPattern: bits))
            }
        case .bfloat16:
            for index in destination.indices {
                let bits = UInt16(littleEndian: source.loadUnaligned(fromByteOffset: 2 * index, as: UInt16.self))
                destination[index] = Float(bitPattern: UInt32(bits) << 16)
            }
        default:
            for index in destination.indices {
                let bits = UInt32(littleEndian: source.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self))
                destination[index] = Float(bitPattern: bits)
            }
        }
    }

    /// All elements, converted to single precision.
    package func floats() -> [Float] {
        guard count > 0 else { return [] }
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            copyFloats(to: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
            initialized = count
        }
    }
}
