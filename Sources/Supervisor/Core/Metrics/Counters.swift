package import Messages
import Wire

/// The numbers of all metrics that count what happens: of the server, and a row of them per model.
package struct Counters: Sendable {
    private var server = Array(repeating: UInt64(0), count: width(Metrics.server))
    private var models: [[UInt64]] = []
    /// Which of `models`, by the model's reference.
    private var places: [String: Int] = [:]
    private static let answersWidth = width(Metrics.answers)
    private static let modelWidth = answersWidth + width(Metrics.models)

    package init() {}

    package mutating func note(_ happening: Happening) {
        if case .answered(let answer) = happening {
            Self.add(answer, Metrics.answers, to: &models[place(of: answer.request.model)], from: 0)
        } else if let model = happening.subject.model, !model.isEmpty {
            Self.add(happening, Metrics.models, to: &models[place(of: model)], from: Self.answersWidth)
        } else {
            Self.add(happening, Metrics.server, to: &server, from: 0)
        }
    }

    private mutating func place(of model: String) -> Int {
        if let place = places[model] { return place }
        places[model] = models.count
        models.append(Array(repeating: 0, count: Self.modelWidth))
        return models.count - 1
    }

    private static func width<Subject>(_ metrics: [Metric<Subject>]) -> Int { metrics.reduce(0) { $0 + $1.width } }

    private static func add<Subject>(
        _ subject: Subject,
        _ metrics: [Metric<Subject>],
        to numbers: inout [UInt64],
        from start: Int
    ) {
        var place = start
        // By index, for a copy of a metric costs more than counting.
        for index in metrics.indices {
            if let value = metrics[index].value(subject) { metrics[index].shape.add(value, to: &numbers, at: place) }
            place += metrics[index].width
        }
    }

    // MARK: - Text

    private typealias Row = (labels: Labels, numbers: ArraySlice<UInt64>)

    /// All metrics in Prometheus' text format.
    package func text(_ status: StatusResponse) -> String {
        var text = PrometheusText()
        for gauge in Metrics.gauges {
            text.begin(gauge.name, "gauge", gauge.text)
            for (labels, value) in gauge.values(status) { text.sample(labels, "\(value)") }
        }
        let rows: [Row] = places.sorted { $0.key < $1.key }.map { (Self.labels(of: $0.key), models[$0.value][...]) }
        Self.write(Metrics.server, [([], server[...])], to: &text)
        Self.write(Metrics.answers, rows, to: &text)
        Self.write(Metrics.models, rows.map { ($0.labels, $0.numbers.dropFirst(Self.answersWidth)) }, to: &text)
        return text.lines
    }

    private static func write<Subject>(
        _ metrics: [Metric<Subject>],
        _ rows: [Row],
        to text: inout PrometheusText
    ) {
        var place = 0
        for metric in metrics {
            switch metric.shape {
            case .counter(let series):
                text.begin(metric.name, "counter", metric.text)
                for row in rows {
                    for (labels, number) in zip(series, row.numbers.dropFirst(place)) where number > 0 || labels.isEmpty
                    {
                        text.sample(row.labels + labels, "\(number)")
                    }
                }
            case .histogram(let bounds, let parts):
                text.begin(metric.name, "histogram", metric.text)
                for row in rows {
                    let numbers = row.numbers.dropFirst(place).prefix(metric.width)
                    text.histogram(row.labels, bounds.map { Double($0) / parts }, Array(numbers), parts: parts)
                }
            }
            place += metric.width
        }
    }

    private static func labels(of reference: String) -> Labels {
        guard let parsed = try? ModelReference(parsing: reference) else { return [("model", reference)] }
        return [
            ("model", parsed.name), ("version", "\(parsed.version ?? 0)"), ("variant", parsed.variant ?? ""),
        ]
    }
}
