internal import CKernels

/// Functions in double precision, within 2e-12: the same bits with every C library, whose own functions change in their
/// last bits from one version to the next. For the few values that a task computes of what the kernels have.
package enum PlainFunctions {
    package static func exp(_ x: Double) -> Double { ck_exp(x) }
    package static func erf(_ x: Double) -> Double { ck_erf(x) }
    package static func tanh(_ x: Double) -> Double { ck_tanh(x) }
    /// ln(1 + eˣ)
    package static func softplus(_ x: Double) -> Double { ck_softplus(x) }
    /// ln x of a normal number x > 0
    package static func log(_ x: Double) -> Double { ck_log(x) }
}
