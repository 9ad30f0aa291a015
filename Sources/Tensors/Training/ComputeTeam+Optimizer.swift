internal import CKernels

/// The numbers of one step of AdamW (Loshchilov and Hutter, arXiv 1711.05101), as `torch.optim.AdamW` has it:
///
///     g = gradientScale · gradient    w −= rate · decay · w
///     m = β₁ m + (1 − β₁) g           v = β₂ v + (1 − β₂) g²
///     w −= rate / correction1 · m / (√v / √correction2 + ε)
///
/// with correction1 = 1 − β₁ᵗ and correction2 = 1 − β₂ᵗ at step t ≥ 1.
package struct AdamWStep: Sendable {
    package var rate, decay, beta1, beta2, epsilon, correction1, correction2, gradientScale: Float

    package init(
        rate: Float,
        decay: Float,
        beta1: Float,
        beta2: Float,
        epsilon: Float,
        correction1: Float,
        correction2: Float,
        gradientScale: Float
    ) {
        self.rate = rate
        self.decay = decay
        self.beta1 = beta1
        self.beta2 = beta2
        self.epsilon = epsilon
        self.correction1 = correction1
        self.correction2 = correction2
        self.gradientScale = gradientScale
    }

    var code: ck_adamw {
        ck_adamw(
            rate: rate,
            decay: decay,
            beta1: beta1,
            beta2: beta2,
            epsilon: epsilon,
            correction1: correction1,
            correction2: correction2,
            gradient_scale: gradientScale
        )
    }
}

extension ComputeTeam {
    /// y += a·x over dense memory.
    package func addScaled(_ a: Float, _ x: UnsafePointer<Float>, count: Int, to y: UnsafeMutablePointer<Float>) {
        forValues(count) { values in
            kernels.training.add_scaled(a, x + values.lowerBound, values.count, y + values.lowerBound)
        }
    }

    /// Σ x² in double precision: of blocks, whose sums are added in their order.
    package func sumOfSquares(_ x: UnsafePointer<Float>, count: Int) -> Double {
        let size = Self.valuesPerTask
        let blocks = (count + size - 1) / size
        reservePrepared(blocks * MemoryLayout<Double>.stride)
        let sums = prepared.assumingMemoryBound(to: Double.self)
        forValues(count) { values in
            sums[values.lowerBound / size] = kernels.training.sum_of_squares(x + values.lowerBound, values.count)
        }
        return (0..<blocks).reduce(0) { $0 + sums[$1] }
    }

    /// One step over `count` parameters, their gradient and their moments.
    package func adamW(
        _ step: AdamWStep,
        gradient: UnsafePointer<Float>,
        weight: UnsafeMutablePointer<Float>,
        m: UnsafeMutablePointer<Float>,
        v: UnsafeMutablePointer<Float>,
        count: Int
    ) {
        withUnsafePointer(to: step.code) { step in
            forValues(count) { values in
                let first = values.lowerBound
                kernels.training.adamw(step, gradient + first, values.count, weight + first, m + first, v + first)
            }
        }
    }
}
