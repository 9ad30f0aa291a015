internal import CKernels

/// An instruction set that kernels exist for.
///
/// Chosen once a process: the best one of the CPU, or the one that `DISTILLERY_ISA` names (`plain`, `avx2`, `avx512`),
/// so that each path can be tested where a better one exists.
package enum InstructionSet: String, Sendable, CaseIterable {
    case plain, avx2, avx512

    /// The best set of this CPU.
    package static var best: InstructionSet { InstructionSet(ck_isa_best()) }

    /// Whether this CPU runs it. The sets are a chain: each includes those before it.
    package var isSupported: Bool { code.rawValue <= ck_isa_best().rawValue && ck_kernels_for(code) != nil }

    /// Sustained fp32 multiply-add rate of one core, measured now over `seconds`, in GFLOP/s; 0 for `plain`.
    package func measurePeak(seconds: Double) -> Double { ck_peak_gflops(code, seconds) }

    init(_ code: ck_isa) {
        switch code {
        case CK_ISA_AVX512: self = .avx512
        case CK_ISA_AVX2: self = .avx2
        default: self = .plain
        }
    }

    var code: ck_isa {
        switch self {
        case .plain: CK_ISA_PLAIN
        case .avx2: CK_ISA_AVX2
        case .avx512: CK_ISA_AVX512
        }
    }
}
