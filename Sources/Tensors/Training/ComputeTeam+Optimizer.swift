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

    /// y += a·x at these places; x may be y.
    package func addScaled(
        _ a: Float,
        _ x: UnsafePointer<Float>,
        _ ranges: ValueRanges,
        to y: UnsafeMutablePointer<Float>
    ) {
        run(ranges.tasks.count) { task, _ in
            for values in ranges.pieces[ranges.tasks[task]] {
                kernels.training.add_scaled(a, x + values.lowerBound, values.count, y + values.lowerBound)
            }
        }
    }

    /// Σ x² at these places in double precision: of tasks, whose sums are added in their order.
    package func sumOfSquares(_ x: UnsafePointer<Float>, _ ranges: ValueRanges) -> Double {
        reservePrepared(ranges.tasks.count * MemoryLayout<Double>.stride)
        let sums = prepared.assumingMemoryBound(to: Double.self)
        run(ranges.tasks.count) { task, _ in
            var sum = 0.0
            for values in ranges.pieces[ranges.tasks[task]] {
                sum += kernels.training.sum_of_squares(x + values.lowerBound, values.count)
            }
            sums[task] = sum
        }
        return ranges.tasks.indices.reduce(0) { $0 + sums[$1] }
    }

    /// One step of the parameters at these places, with their moments. Their gradients are 0 afterwards, while a core has them.
    package func adamW(
        _ step: AdamWStep,
        gradient: UnsafeMutablePointer<Float>,
        weight: UnsafeMutablePointer<Float>,
        m: UnsafeMutablePointer<Float>,
        v: UnsafeMutablePointer<Float>,
        _ ranges: ValueRanges
    ) {
        withUnsafePointer(to: step.code) { step in
            run(ranges.tasks.count) { task, _ in
                for values in ranges.pieces[ranges.tasks[task]] {
                    let first = values.lowerBound
                    kernels.training.adamw(step, gradient + first, values.count, weight + first, m + first, v + first)
                    (gradient + first).update(repeating: 0, count: values.count)
                }
            }
        }
    }
}

/// Places in dense memory, cut by their sizes alone into tasks of about as many values: many small ones are one task.
package struct ValueRanges: Sendable {
    fileprivate private(set) var pieces: [Range<Int>] = []
    /// The pieces of each task.
    fileprivate private(set) var tasks: [Range<Int>] = []
    private var room = 0

    package init() {}

    /// The first values.
    package init(_ count: Int) { append(0..<count) }

    package mutating func append(_ range: Range<Int>) {
        var start = range.lowerBound
        while start < range.upperBound {
            let end = min(range.upperBound, start + ComputeTeam.valuesPerTask)
            if end - start > room {
                tasks.append(pieces.count..<pieces.count)
                room = ComputeTeam.valuesPerTask
            }
            pieces.append(start..<end)
            tasks[tasks.count - 1] = tasks[tasks.count - 1].lowerBound..<pieces.count
            room -= end - start
            start = end
        }
    }
}
