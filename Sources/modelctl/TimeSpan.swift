import ArgumentParser

/// A length of time on the command line: `10`, `0.5`, `10s`, `500ms`, `2m`, `1h`. A bare number counts seconds.
package struct TimeSpan: ExpressibleByArgument, CustomStringConvertible, Sendable {
    package let duration: Duration
    package let description: String

    package init?(argument: String) {
        let units: [(suffix: String, seconds: Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600)]
        let unit = units.first { argument.hasSuffix($0.suffix) }
        let digits = argument.dropLast(unit?.suffix.count ?? 0)
        guard digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let value = Double(digits) else {
            return nil
        }
        let seconds = value * (unit?.seconds ?? 1)
        guard seconds > 0, seconds <= 31_536_000 else { return nil }
        duration = .seconds(seconds)
        description = argument
    }

    /// So many seconds.
    init(seconds: Int) {
        duration = .seconds(seconds)
        description = "\(seconds)s"
    }

    package var defaultValueDescription: String { description }
}
