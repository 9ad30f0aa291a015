import JSON

/// The number of each label, by its name as a file writes it.
struct LabelIndex {
    let names: [String]
    /// What was decided to make a file's labels the model's.
    private(set) var notice: String?
    private var numbers: [ExactString: Int] = [:]
    /// Whether a file may write a label's number for its name.
    private let allowsNumbers: Bool
    private let areTheModels: Bool

    /// The labels that the data names, or its format: these in their order first.
    init(found: [String], format: [String]) {
        areTheModels = false
        allowsNumbers = false
        names = format.isEmpty ? Array(Set(found.map(ExactString.init))).map(\.string).sorted(by: byUTF8) : format
        for (number, name) in names.enumerated() { numbers[ExactString(name)] = number }
    }

    /// The labels of a model, and the format's, which stand for them: by name, letters' case aside, or else by their order.
    init(model: [String], format: [String]) throws(DistillationError) {
        areTheModels = true
        names = model
        allowsNumbers = !model.contains { Int($0) != nil }
        for (number, name) in model.enumerated() { numbers[ExactString(name)] = number }
        guard numbers.count == model.count else { throw .failed("two of the model's labels have one name") }
        guard !format.isEmpty, format.contains(where: { numbers[ExactString($0)] == nil }) else { return }
        let folded = model.map { $0.lowercased() }
        let places = format.compactMap { folded.firstIndex(of: $0.lowercased()) }
        let areNumbered = model.indices.allSatisfy { folded[$0] == "label_\($0)" }
        if places.count == format.count, Set(places).count == format.count {
            for (name, place) in zip(format, places) { numbers[ExactString(name)] = place }
        } else if format.count == model.count, areNumbered || format.allSatisfy({ Int($0) != nil }) {
            for (place, name) in format.enumerated() { numbers[ExactString(name)] = place }
        } else {
            throw .failed(
                "the format's labels are \(format.map(quoted).joined(separator: ", ")) and the model's "
                    + "\(listed(model, of: 10)); is this the model for this task?"
            )
        }
        let pairs = format.map { "\(quoted($0)) as \(quoted(model[numbers[ExactString($0)]!]))" }
        notice = "The format's labels are taken for the model's: \(pairs.joined(separator: ", "))."
    }

    /// - Parameter place: where the label stands, for errors.
    mutating func number(_ name: String, place: @autoclosure () -> String) throws(DistillationError) -> Int {
        if let number = numbers[ExactString(name)] { return number }
        if allowsNumbers, let number = Int(name), names.indices.contains(number) {
            notice =
                notice
                ?? "Labels that are numbers are the model's by their order, from 0 (\(quoted(names[0])))."
            return number
        }
        let advice =
            nearest(to: name, in: names).map { "the nearest is \(quoted($0))" } ?? "there are \(listed(names, of: 10))"
        let known = areTheModels ? "the model's \(names.count)" : "the \(names.count) of this format"
        throw .failed("\(place()): the label \(quoted(name)) is none of \(known); \(advice)")
    }
}

/// The first names, quoted, and how many more there are.
func listed(_ names: [String], of most: Int) -> String {
    let shown = names.prefix(most).map(quoted).joined(separator: ", ")
    return names.count > most ? "\(shown) and \(names.count - most) more" : shown
}
