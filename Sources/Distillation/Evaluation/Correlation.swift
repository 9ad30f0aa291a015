/// The correlation of two lists of numbers.
package enum Correlation {
    /// Pearson's: the covariance by both standard deviations; NaN where either list is constant or has fewer than two
    /// numbers.
    package static func pearson(_ left: [Double], _ right: [Double]) -> Double {
        weighted(left, right, Array(repeating: 1, count: left.count))
    }

    /// Pearson's of numbers of which each pair counts several times, as a bootstrap's sample has them.
    static func weighted(_ left: [Double], _ right: [Double], _ counts: [Int32]) -> Double {
        precondition(left.count == right.count && left.count == counts.count, "pairs of numbers")
        var (total, leftSum, rightSum) = (0.0, 0.0, 0.0)
        for index in left.indices {
            let count = Double(counts[index])
            total += count
            leftSum += count * left[index]
            rightSum += count * right[index]
        }
        let (leftMean, rightMean) = (leftSum / total, rightSum / total)
        var (product, leftSquares, rightSquares) = (0.0, 0.0, 0.0)
        for index in left.indices {
            let (x, y) = (left[index] - leftMean, right[index] - rightMean)
            let count = Double(counts[index])
            product += count * x * y
            leftSquares += count * x * x
            rightSquares += count * y * y
        }
        guard leftSquares > 0, rightSquares > 0 else { return .nan }
        return min(max(product / (leftSquares.squareRoot() * rightSquares.squareRoot()), -1), 1)
    }

    /// Spearman's: Pearson's of the ranks; equal numbers share the mean of theirs.
    package static func spearman(_ left: [Double], _ right: [Double]) -> Double {
        pearson(ranks(left), ranks(right))
    }

    /// The place of each number among all, from 1; equal ones have the mean of their places.
    static func ranks(_ values: [Double]) -> [Double] {
        let order = values.indices.sorted { values[$0] < values[$1] }
        var ranks = Array(repeating: 0.0, count: values.count)
        var first = 0
        while first < order.count {
            var end = first + 1
            while end < order.count, values[order[end]] == values[order[first]] { end += 1 }
            for place in first..<end { ranks[order[place]] = Double(first + 1 + end) / 2 }
            first = end
        }
        return ranks
    }
}

/// The cosine of two vectors; 0 where one of them is 0.
package func cosine(_ left: [Float], _ right: [Float]) -> Double {
    precondition(left.count == right.count, "vectors of one length")
    var (product, leftSquares, rightSquares) = (0.0, 0.0, 0.0)
    for (x, y) in zip(left, right) {
        product += Double(x) * Double(y)
        leftSquares += Double(x) * Double(x)
        rightSquares += Double(y) * Double(y)
    }
    let norms = (leftSquares * rightSquares).squareRoot()
    return norms > 0 ? product / norms : 0
}

/// The mean cosine of embeddings with those that another model made of the same texts; NaN of none.
package func meanCosine(_ vectors: [[Float]], _ others: [[Float]]) -> Double {
    precondition(vectors.count == others.count, "vectors of the same texts")
    return zip(vectors, others).reduce(0.0) { $0 + cosine($1.0, $1.1) } / Double(vectors.count)
}
