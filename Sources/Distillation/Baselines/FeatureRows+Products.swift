/// How many rows are worked on at a time: a block's features and outputs stay in the cache between the two products.
let rowsPerBlock = 32

extension FeatureRows {
    /// Fills `scores` [range.count, lanes] with the biases plus the rows times the weights.
    ///
    /// - Parameter parameters: [width + 1, lanes], the biases last; `lanes` is a multiple of 8.
    func scores(_ range: Range<Int>, parameters: [Double], lanes: Int, into scores: inout [Double]) {
        precondition(parameters.count == (width + 1) * lanes && scores.count >= range.count * lanes && lanes % 8 == 0)
        parameters.withUnsafeBufferPointer { parameters in
            scores.withUnsafeMutableBufferPointer { scores in
                let (parameters, scores) = (parameters.baseAddress!, scores.baseAddress!)
                for row in 0..<range.count {
                    (scores + row * lanes).update(from: parameters + width * lanes, count: lanes)
                }
                switch storage {
                case .dense(let values):
                    values.withUnsafeBufferPointer { values in
                        addProduct(
                            left: values.baseAddress! + range.lowerBound * width,
                            rows: range.count,
                            inner: width,
                            stride: width,
                            right: parameters,
                            lanes: lanes,
                            to: scores
                        )
                    }
                case .sparse(let starts, let columns, let values):
                    for row in range {
                        let target = scores + (row - range.lowerBound) * lanes
                        for place in starts[row]..<starts[row + 1] {
                            addMultiple(values[place], of: parameters + Int(columns[place]) * lanes, lanes, to: target)
                        }
                    }
                }
            }
        }
    }

    /// Adds to `gradient` [width + 1, lanes] what the rows' `residuals` [range.count, lanes] come to for each parameter.
    ///
    /// - Parameter scratch: width · `rowsPerBlock` numbers to overwrite.
    func addGradient(
        _ range: Range<Int>,
        residuals: [Double],
        lanes: Int,
        scratch: inout [Double],
        to gradient: inout [Double]
    ) {
        precondition(gradient.count == (width + 1) * lanes && residuals.count >= range.count * lanes && lanes % 8 == 0)
        precondition(range.count <= rowsPerBlock && scratch.count >= width * rowsPerBlock)
        residuals.withUnsafeBufferPointer { residuals in
            gradient.withUnsafeMutableBufferPointer { gradient in
                let (residuals, gradient) = (residuals.baseAddress!, gradient.baseAddress!)
                for row in 0..<range.count {
                    addMultiple(1, of: residuals + row * lanes, lanes, to: gradient + width * lanes)
                }
                switch storage {
                case .dense(let values):
                    scratch.withUnsafeMutableBufferPointer { turned in
                        values.withUnsafeBufferPointer { values in
                            for row in range {
                                for column in 0..<width {
                                    turned[column * rowsPerBlock + row - range.lowerBound] =
                                        values[row * width + column]
                                }
                            }
                        }
                        addProduct(
                            left: UnsafePointer(turned.baseAddress!),
                            rows: width,
                            inner: range.count,
                            stride: rowsPerBlock,
                            right: residuals,
                            lanes: lanes,
                            to: gradient
                        )
                    }
                case .sparse(let starts, let columns, let values):
                    for row in range {
                        let source = residuals + (row - range.lowerBound) * lanes
                        for place in starts[row]..<starts[row + 1] {
                            addMultiple(values[place], of: source, lanes, to: gradient + Int(columns[place]) * lanes)
                        }
                    }
                }
            }
        }
    }
}

/// target [rows, lanes] += left [rows, inner] · right [inner, lanes], in tiles of two rows by eight lanes, whose sums stay in
/// registers. Each sum runs over `inner` in order.
///
/// - Parameter stride: how far apart the rows of `left` begin.
private func addProduct(
    left: UnsafePointer<Double>,
    rows: Int,
    inner: Int,
    stride: Int,
    right: UnsafePointer<Double>,
    lanes: Int,
    to target: UnsafeMutablePointer<Double>
) {
    for tile in Swift.stride(from: 0, to: lanes, by: 8) {
        var row = 0
        while row + 1 < rows {
            let (first, second) = (left + row * stride, left + (row + 1) * stride)
            let place = target + row * lanes + tile
            var (firstSum, secondSum) = (load(place), load(place + lanes))
            var source = right + tile
            for index in 0..<inner {
                let factor = load(source)
                firstSum += first[index] * factor
                secondSum += second[index] * factor
                source += lanes
            }
            store(firstSum, place)
            store(secondSum, place + lanes)
            row += 2
        }
        if row < rows {
            let last = left + row * stride
            let place = target + row * lanes + tile
            var sum = load(place)
            for index in 0..<inner { sum += last[index] * load(right + index * lanes + tile) }
            store(sum, place)
        }
    }
}

/// target [lanes] += factor · source [lanes].
private func addMultiple(
    _ factor: Double,
    of source: UnsafePointer<Double>,
    _ lanes: Int,
    to target: UnsafeMutablePointer<Double>
) {
    for tile in stride(from: 0, to: lanes, by: 8) {
        store(load(target + tile) + factor * load(source + tile), target + tile)
    }
}

@inline(__always)
private func load(_ place: UnsafePointer<Double>) -> SIMD8<Double> {
    UnsafeRawPointer(place).loadUnaligned(as: SIMD8<Double>.self)
}

@inline(__always)
private func load(_ place: UnsafeMutablePointer<Double>) -> SIMD8<Double> {
    load(UnsafePointer(place))
}

@inline(__always)
private func store(_ value: SIMD8<Double>, _ place: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(place).storeBytes(of: value, as: SIMD8<Double>.self)
}
