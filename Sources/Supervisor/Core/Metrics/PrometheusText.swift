/// Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). Names begin with `modeld_`.
package struct PrometheusText {
    package private(set) var lines = ""
    private var name = ""

    package init() {}

    /// Begins a metric; the samples that follow are its own.
    package mutating func begin(_ name: String, _ type: String, _ text: String) {
        self.name = "modeld_" + name
        lines += "# HELP \(self.name) \(Self.escaped(text, "\\\n"))\n# TYPE \(self.name) \(type)\n"
    }

    package mutating func sample(_ labels: [(name: String, value: String)], _ value: String, suffix: String = "") {
        let text = labels.map { "\($0.name)=\"\(Self.escaped($0.value, "\\\n\""))\"" }.joined(separator: ",")
        lines += name + suffix + (labels.isEmpty ? "" : "{\(text)}") + " \(value)\n"
    }

    /// - Parameter numbers: values of each bucket, values beyond the last one, and the sum of all, in parts of the unit.
    mutating func histogram(_ labels: Labels, _ bounds: [Double], _ numbers: [UInt64], parts: Double) {
        var count: UInt64 = 0
        for (bound, number) in zip(bounds.map { "\($0)" } + ["+Inf"], numbers) {
            count += number
            sample(labels + [("le", bound)], "\(count)", suffix: "_bucket")
        }
        sample(labels, "\(Double(numbers.last ?? 0) / parts)", suffix: "_sum")
        sample(labels, "\(count)", suffix: "_count")
    }

    private static func escaped(_ text: String, _ special: String) -> String {
        text.unicodeScalars.reduce(into: "") { result, scalar in
            if special.unicodeScalars.contains(scalar) { result += "\\" }
            result.unicodeScalars.append(scalar == "\n" ? "n" : scalar)
        }
    }
}
