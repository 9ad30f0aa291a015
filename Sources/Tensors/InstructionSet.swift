internal import CKernels
internal import Glibc

/// An instruction set that kernels exist for.
///
/// Chosen once per process: the best one of the CPU, or the one that the environment asks for (`demanded`), so that each path
/// can be tested where a better one exists.
package enum InstructionSet: String, Sendable, CaseIterable {
    case plain, avx2, avx512
    /// AVX-512 with products of bytes: faster in int8, the same bits.
    case avx512VNNI = "avx512vnni"
    /// AVX-512 with products of bfloat16 as well, for which activations are rounded to it as the weights are.
    case avx512BF16 = "avx512bf16"
    /// The source of the AVX-512 kernels compiled for AVX2: slow, for tests where no CPU has AVX-512. Never the best.
    case emulatedAVX512 = "avx512-emulated"
    case emulatedAVX512BF16 = "avx512bf16-emulated"

    /// Whether it is there for tests alone.
    package var isEmulated: Bool { self == .emulatedAVX512 || self == .emulatedAVX512BF16 }

    /// Whether activations are rounded to bfloat16 where the weights are bfloat16.
    package var roundsActivations: Bool { self == .avx512BF16 || self == .emulatedAVX512BF16 }

    /// The best set of this CPU.
    package static var best: InstructionSet { InstructionSet(ck_isa_best()) }

    /// The set that `DISTILLERY_ISA` names (`plain`, `avx2`, `avx512`, `avx512vnni`, `avx512bf16`); nil where it is not set or
    /// empty. No other set takes its place, not where the CPU lacks it and not where it computes wrongly.
    ///
    /// - Throws: `unsupported`, where it names none.
    package static func demanded() throws(TensorError) -> InstructionSet? {
        try demanded(getenv("DISTILLERY_ISA").map { String(cString: $0) })
    }

    /// - Parameter name: what the variable holds.
    package static func demanded(_ name: String?) throws(TensorError) -> InstructionSet? {
        guard let name, !name.isEmpty else { return nil }
        guard let set = InstructionSet(rawValue: name) else {
            let known = allCases.map(\.rawValue).joined(separator: ", ")
            throw .unsupported("DISTILLERY_ISA=\(name): not one of \(known)")
        }
        return set
    }

    /// What this CPU has, the best first and plain C last.
    package static var bestFirst: [InstructionSet] {
        [.avx512BF16, .avx512VNNI, .avx512, .avx2, .plain].filter { $0 == best || $0.isSupported }
    }

    /// Whether this CPU runs it.
    package var isSupported: Bool { ck_isa_supported(code) && ck_kernels_for(code) != nil }

    /// The multiply-add rate that one core sustains now for `seconds`, on registers alone, with the instructions that
    /// products of `format` use, in 10⁹ operations per second; 0 for `plain`.
    package func measurePeak(_ format: WeightFormat = .float32, seconds: Double) -> Double {
        ck_peak(code, format.code, seconds)
    }

    init(_ code: ck_isa) { self = Self.allCases.first { $0.code == code } ?? .plain }

    var code: ck_isa {
        switch self {
        case .plain: CK_ISA_PLAIN
        case .avx2: CK_ISA_AVX2
        case .avx512: CK_ISA_AVX512
        case .avx512VNNI: CK_ISA_AVX512_VNNI
        case .avx512BF16: CK_ISA_AVX512_BF16
        case .emulatedAVX512: CK_ISA_AVX512_EMULATED
        case .emulatedAVX512BF16: CK_ISA_AVX512_BF16_EMULATED
        }
    }
}
