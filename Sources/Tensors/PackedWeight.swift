internal import CKernels

/// A linear layer as it is computed: y = x·Wᵀ + b with W [outputs, inputs] packed and b [outputs].
///
/// W lies in panels of 24 outputs, the same bytes for every instruction set. The memory is the pack's; a `PackedLinear`
/// lives no longer than its mapping.
package struct PackedLinear {
    package let weight: UnsafeRawPointer
    package let bias: UnsafePointer<Float>?
    package let outputs: Int
    package let inputs: Int
    package let format: WeightFormat

    /// - Parameter weight: packed by `pack`, aligned to 64 bytes.
    package init(
        weight: UnsafeRawPointer,
        bias: UnsafePointer<Float>?,
        outputs: Int,
        inputs: Int,
        format: WeightFormat = .float32
    ) {
        self.weight = weight
        self.bias = bias
        self.outputs = outputs
        self.inputs = inputs
        self.format = format
    }

    /// Bytes that a packed weight [outputs, inputs] takes.
    package static func byteCount(_ format: WeightFormat, outputs: Int, inputs: Int) -> Int {
        ck_packed_bytes(format.code, outputs, inputs)
    }

    /// What `ComputeTeam.linear` computes at least to have the outputs of `range`, of `outputs` in all: two panels at a time
    /// are computed whole.
    package static func span(of range: Range<Int>, outputs: Int) -> Range<Int> {
        let range = range.clamped(to: 0..<outputs)
        let pair = 2 * Int(CK_PANEL)
        return range.lowerBound / pair * pair..<min(outputs, (range.upperBound + pair - 1) / pair * pair)
    }

    /// Packs a row-major weight [outputs, inputs] to `destination`, which has `byteCount` bytes aligned to 64.
    package static func pack(
        _ weight: UnsafePointer<Float>,
        outputs: Int,
        inputs: Int,
        as format: WeightFormat,
        to destination: UnsafeMutableRawPointer
    ) throws(TensorError) {
        guard ck_pack_weight(format.code, weight, outputs, inputs, destination) else {
            throw .resource("no memory to quantise a weight [\(outputs), \(inputs)]")
        }
    }
}
