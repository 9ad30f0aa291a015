/// A number that is kept of what happens. Its row in a table is all that there is to it.
struct Metric<Subject>: Sendable {
    enum Shape: Sendable {
        /// Times that something happened, apart for each of these labels.
        case counter([Labels])
        /// Values by buckets of these upper bounds, what is larger, and their sum. In so many parts of the name's unit.
        case histogram([Int], parts: Double)

        func add(_ value: Int, to numbers: inout [UInt64], at place: Int) {
            switch self {
            case .counter: numbers[place + value] += 1
            case .histogram(let bounds, _):
                numbers[place + (bounds.firstIndex { value <= $0 } ?? bounds.count)] += 1
                numbers[place + bounds.count + 1] &+= UInt64(max(0, value))
            }
        }
    }

    /// With its unit, as in `request_duration_seconds`.
    let name: String
    let text: String
    let shape: Shape
    /// Of a counter which labels, of a histogram the value; nil for what the metric is not about.
    let value: @Sendable (Subject) -> Int?

    /// How many numbers are kept of it.
    var width: Int {
        switch shape {
        case .counter(let labels): labels.count
        case .histogram(let bounds, _): bounds.count + 2
        }
    }

    static func counter(
        _ name: String,
        _ text: String,
        by labels: [Labels] = [[]],
        _ value: @escaping @Sendable (Subject) -> Int?
    ) -> Metric {
        Metric(name: name, text: text, shape: .counter(labels), value: value)
    }

    /// From a tenth of a millisecond to half a minute; the values are microseconds.
    static func seconds(_ name: String, _ text: String, _ value: @escaping @Sendable (Subject) -> Int?) -> Metric {
        let bounds = [
            100, 300, 1000, 3000, 10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000,
        ]
        return Metric(name: name, text: text, shape: .histogram(bounds, parts: 1e6), value: value)
    }

    static func sizes(_ name: String, _ text: String, _ value: @escaping @Sendable (Subject) -> Int?) -> Metric {
        let bounds = (0...14).map { 1 << $0 }
        return Metric(name: name, text: text, shape: .histogram(bounds, parts: 1), value: value)
    }
}

/// What tells the numbers of one metric apart.
typealias Labels = [(name: String, value: String)]
