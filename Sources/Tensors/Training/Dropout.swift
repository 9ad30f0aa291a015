internal import CKernels

/// Which of a pass's values are dropped: value i becomes 0 where `randomBits(key, i)` is below rate · 2³², and is else divided
/// by 1 − rate. Nothing is stored: the backward pass draws the same again.
package struct Dropout: Sendable, Equatable {
    /// Made of the seed, the step and the place in the network.
    package let key: UInt64
    /// 0 ≤ rate < 1
    package let rate: Float

    package static let none = Dropout(key: 0, rate: 0)

    package init(key: UInt64, rate: Float) {
        precondition(rate >= 0 && rate < 1, "dropout of rate \(rate), which has to be at least 0 and below 1")
        self.key = key
        self.rate = rate
    }

    var code: ck_dropout { ck_dropout(key: key, rate: rate) }
}

/// 32 random bits of a value under a key, the same on every CPU.
package func randomBits(_ key: UInt64, _ index: UInt64) -> UInt32 { ck_random(key, index) }

extension ComputeTeam {
    /// y = dropout(x) + residual, dense matrices of one shape; y may be x or residual.
    package func dropout(_ dropout: Dropout, _ x: Matrix, residual: Matrix? = nil, into y: Matrix) {
        x.requireDense(y.rows, y.columns, "dropout's x")
        y.requireDense(y.rows, y.columns, "dropout's y")
        residual?.requireDense(y.rows, y.columns, "dropout's residual")
        forValues(x.rows * x.columns) { values in
            kernels.training.dropout(
                dropout.code,
                UInt64(values.lowerBound),
                x.base + values.lowerBound,
                residual.map { UnsafePointer($0.base + values.lowerBound) },
                values.count,
                y.base + values.lowerBound
            )
        }
    }
}
