/// An example as its file says it, before the task is known and labels have numbers.
struct DataRecord {
    /// What a file says about an example.
    enum Statement {
        case none
        /// A cell of a table: a label, a number, or labels with `|` between them.
        case cell(String)
        case name(String)
        /// A number, and how the file writes it.
        case number(Double, text: String)
        case names([String])
        /// Labels with their probabilities, and the label that stands beside them.
        case probabilities([(label: String, probability: Double)], label: String?)
        case tags([String])
        case answers([Target.Answer])
    }

    /// The line where the example begins, counted from 1; nil where the file has no lines of its own.
    var line: Int?
    var text: String
    var pair: String?
    var words: [String] = []
    var statement: Statement = .none
    var id: String?

    /// Where the example stands, for errors.
    func place(in file: String) -> String {
        if let line { return "\(file), line \(line)" }
        return id.map { "\(file), question \"\($0)\"" } ?? file
    }

    /// Whether the file says nothing about the example.
    var isBare: Bool {
        switch statement {
        case .none: true
        case .cell(let text): text.isEmpty
        default: false
        }
    }
}

/// What one file holds.
struct DataRecords {
    var file: String
    var records: [DataRecord] = []
    /// The labels that the format itself names, in its order; empty where the data alone says which there are.
    var labels: [String] = []
    /// The task that the format is for.
    var task: TrainingTask?
    var warnings: [String] = []
}

/// "1 row", "2,225 rows".
func counted(_ count: Int, _ noun: String, plural: String? = nil) -> String {
    var digits = Array(String(count))
    for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
    return "\(String(digits)) \(count == 1 ? noun : plural ?? noun + "s")"
}

/// Whether a text is nothing but white space.
func isBlank(_ text: String) -> Bool { text.unicodeScalars.allSatisfy(\.properties.isWhitespace) }

/// Orders names by their UTF-8.
func byUTF8(_ left: String, _ right: String) -> Bool { left.utf8.lexicographicallyPrecedes(right.utf8) }

/// The name that differs least from `name`, in insertions, deletions and exchanges of characters, letters' case aside;
/// nil when none is near.
func nearest(to name: String, in names: [String]) -> String? {
    let wanted = Array(name.lowercased().unicodeScalars.prefix(64))
    var best: (name: String, distance: Int)?
    for candidate in names {
        let other = Array(candidate.lowercased().unicodeScalars.prefix(64))
        var row = Array(0...other.count)
        for (index, scalar) in wanted.enumerated() {
            var diagonal = row[0]
            row[0] = index + 1
            for (column, second) in other.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (scalar == second ? 0 : 1))
                diagonal = above
            }
        }
        if best.map({ row[other.count] < $0.distance }) ?? true { best = (candidate, row[other.count]) }
    }
    guard let best, best.distance <= max(2, wanted.count / 2) else { return nil }
    return best.name
}
