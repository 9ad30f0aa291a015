import JSON

/// How good a model is on some examples: numbers by their names, in the order to show them.
///
/// Fractions are between 0 and 1. A number that the examples do not define, such as the correlation with values that
/// are all the same, is NaN, and `null` in JSON.
package struct Metrics: Sendable, Equatable, JSONWritable {
    package struct Value: Sendable, Equatable {
        package let name: String
        package let value: Double
    }

    package let task: TrainingTask
    /// The number of examples.
    package let count: Int
    package private(set) var values: [Value] = []

    package init(task: TrainingTask, count: Int, _ values: KeyValuePairs<String, Double> = [:]) {
        self.task = task
        self.count = count
        for (name, value) in values { self[name] = value }
    }

    /// The number of that name; setting a new one puts it behind the others.
    package subscript(name: String) -> Double? {
        get { values.first { $0.name == name }?.value }
        set {
            let place = values.firstIndex { $0.name == name }
            guard let newValue else {
                if let place { values.remove(at: place) }
                return
            }
            let value = Value(name: name, value: newValue)
            if let place { values[place] = value } else { values.append(value) }
        }
    }

    /// `{"task":"classify","n":400,"accuracy":0.96,…}`
    package var json: String {
        let head: [(key: String, value: any JSONWritable)] = [("task", task.rawValue), ("n", count)]
        return JSONText.object(head + values.map { ($0.name, $0.value) }).json
    }
}
