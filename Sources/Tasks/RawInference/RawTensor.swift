/// A named tensor, its values row by row.
package struct RawTensor: Sendable, Equatable {
    package enum Values: Sendable, Equatable {
        case integers([Int64])
        case floats([Float])

        package var count: Int {
            switch self {
            case .integers(let values): values.count
            case .floats(let values): values.count
            }
        }
    }

    package var name: String
    package var shape: [Int]
    package var values: Values

    package init(name: String, shape: [Int], values: Values) {
        self.name = name
        self.shape = shape
        self.values = values
    }

    /// As many values as the shape has; nil where that is more than an Int, or a size is negative.
    static func count(_ shape: [Int]) -> Int? {
        var count = 1
        for size in shape {
            guard size >= 0, case let (product, overflow) = count.multipliedReportingOverflow(by: size), !overflow
            else {
                return nil
            }
            count = product
        }
        return count
    }
}
