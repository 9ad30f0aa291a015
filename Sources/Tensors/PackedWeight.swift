internal import CKernels
internal import COneDNN

/// How the float32 weights of linear layers lie in memory; those of other formats always lie in our panels.
package enum WeightLayout: Sendable, Equatable {
    /// Panels of 24 columns for the kernels of `CKernels`; the same for every instruction set.
    case panels
    /// oneDNN's own layout, column block by column block, private to this library version and instruction set.
    case oneDNN(version: String, isa: String)

    /// A name for cache keys and pack headers: layouts of different names are not interchangeable.
    package var name: String {
        switch self {
        case .panels: "panels24"
        case .oneDNN(let version, let isa): "onednn-\(version)-\(isa)"
        }
    }

    /// The layout of oneDNN as it runs here.
    package static var currentOneDNN: WeightLayout {
        .oneDNN(version: String(cString: onednn_version()), isa: String(cString: onednn_isa()))
    }
}

/// A linear layer as it is computed: y = x·Wᵀ + b with W [outputs, inputs] packed and b [outputs].
///
/// The memory is the pack's; a `PackedLinear` lives no longer than its mapping.
package struct PackedLinear {
    package let weight: UnsafeRawPointer
    package let bias: UnsafePointer<Float>?
    package let outputs: Int
    package let inputs: Int
    package let format: WeightFormat

    /// oneDNN's column blocks; empty for panels.
    let blocks: [PackedBlock]

    /// Bytes of `weight`.
    package var byteCount: Int {
        blocks.last.map { $0.offset + $0.byteCount } ?? ck_packed_bytes(format.code, outputs, inputs)
    }
}

extension ComputeTeam {
    /// Describes a weight packed in this team's layout. `weight` is aligned to 64 bytes and has the bytes that the
    /// layout's `WeightPacker` counts for it.
    package func packedLinear(
        weight: UnsafeRawPointer,
        bias: UnsafePointer<Float>?,
        outputs: Int,
        inputs: Int,
        format: WeightFormat = .float32
    ) throws(TensorError) -> PackedLinear {
        var blocks: [PackedBlock] = []
        if format == .float32, let context = oneDNN.first {
            blocks = try PackedBlock.all(context: context, outputs: outputs, inputs: inputs)
        }
        return PackedLinear(
            weight: weight,
            bias: bias,
            outputs: outputs,
            inputs: inputs,
            format: format,
            blocks: blocks
        )
    }
}

/// Turns weights into a layout.
package struct WeightPacker: ~Copyable {
    package let layout: WeightLayout
    private let context: OpaquePointer?

    package init(layout: WeightLayout) throws(TensorError) {
        self.layout = layout
        switch layout {
        case .panels: context = nil
        case .oneDNN:
            guard let context = onednn_create() else { throw .resource("oneDNN gave no engine to pack weights with") }
            self.context = context
        }
    }

    deinit { onednn_destroy(context) }

    /// Bytes that a packed weight [outputs, inputs] takes.
    package func byteCount(
        outputs: Int,
        inputs: Int,
        format: WeightFormat = .float32
    ) throws(TensorError) -> Int {
        guard let context, format == .float32 else { return ck_packed_bytes(format.code, outputs, inputs) }
        guard let last = try PackedBlock.all(context: context, outputs: outputs, inputs: inputs).last else { return 0 }
        return last.offset + last.byteCount
    }

    /// Packs a row-major weight [outputs, inputs] to `destination`, which has `byteCount` bytes aligned to 64.
    package func pack(
        _ weight: UnsafePointer<Float>,
        outputs: Int,
        inputs: Int,
        format: WeightFormat = .float32,
        to destination: UnsafeMutableRawPointer
    ) throws(TensorError) {
        guard let context, format == .float32 else {
            guard ck_pack_weight(format.code, weight, outputs, inputs, destination) else {
                throw .resource("no memory to quantise a weight [\(outputs), \(inputs)]")
            }
            return
        }
        for block in try PackedBlock.all(context: context, outputs: outputs, inputs: inputs) {
            let columns = block.columns
            guard
                onednn_pack(
                    context,
                    weight + columns.lowerBound * inputs,
                    columns.count,
                    inputs,
                    destination + block.offset
                )
            else { throw .unsupported("oneDNN could not pack a weight [\(columns.count), \(inputs)]") }
        }
    }
}

/// One block of a weight's columns as oneDNN packs it: what a thread computes at a time.
struct PackedBlock {
    static let width = 256

    let columns: Range<Int>
    /// From the start of the packed weight, a multiple of 64.
    let offset: Int
    let byteCount: Int

    static func all(context: OpaquePointer, outputs: Int, inputs: Int) throws(TensorError) -> [PackedBlock] {
        var blocks: [PackedBlock] = []
        var offset = 0
        for first in stride(from: 0, to: outputs, by: width) {
            let columns = first..<min(first + width, outputs)
            let bytes = onednn_packed_bytes(context, columns.count, inputs)
            guard bytes > 0 else {
                throw .unsupported("oneDNN has no product for a weight [\(columns.count), \(inputs)]")
            }
            let aligned = (bytes + 63) & ~63
            blocks.append(PackedBlock(columns: columns, offset: offset, byteCount: aligned))
            offset += aligned
        }
        return blocks
    }
}
