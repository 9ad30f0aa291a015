internal import CKernels

/// An instruction set that kernels exist for.
///
/// Chosen once a process: the best one of the CPU, or the one that `DISTILLERY_ISA` names (`plain`, `avx2`, `avx512`),
/// so that each path can be tested where a better one exists.
package enum InstructionSet: String, Sendable, CaseIterable {
    case plain, avx2, avx512
    /// The source of the AVX-512 kernels compiled for AVX2: slow, for tests where no CPU has AVX-512. Never the best.
    case emulatedAVX512 = "avx512-emulated"

    /// The best set of this CPU.
    package static var best: InstructionSet { InstructionSet(ck_isa_best()) }

    /// Whether this CPU runs it.
    package var isSupported: Bool { ck_isa_supported(code) && ck_kernels_for(code) != nil }

    /// The multiply-add rate that one core sustains now for `seconds`, on registers alone, with the instructions that
    /// products of `format` use, in 10⁹ operations a second; 0 for `plain`.
    package func measurePeak(_ format: WeightFormat = .float32, seconds: Double) -> Double {
        ck_peak(code, format.code, seconds)
    }

    init(_ code: ck_isa) {
        switch code {
        case CK_ISA_AVX512: self = .avx512
        case CK_ISA_AVX2: self = .avx2
        case CK_ISA_AVX512_EMULATED: self = .emulatedAVX512
        default: self = .plain
        }
    }

    var code: ck_isa {
        switch self {
        case .plain: CK_ISA_PLAIN
        case .avx2: CK_ISA_AVX2
        case .avx512: CK_ISA_AVX512
        case .emulatedAVX512: CK_ISA_AVX512_EMULATED
        }
    }
}
