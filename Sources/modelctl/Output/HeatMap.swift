import ModelClient

/// A square of numbers from -1 to 1, with warmer colours for larger ones where there are colours.
enum HeatMap {
    /// A row per label: its number, the label, and a value for each.
    static func lines(labels: [String], values: [[Float]]) -> [String] {
        let numbers = values.map { $0.map { HumanText.fixed(Double($0), 3) } }
        let heads = labels.indices.map { "(\($0 + 1))" }
        let cell = max(5, numbers.joined().map(\.count).max() ?? 0, heads.last?.count ?? 0)
        // What the values leave is for the texts.
        let room = max(16, Console.width - (cell + 2) * labels.count - 6)
        let texts = labels.map { HumanText.printable($0, width: room) }
        let width = texts.map(\.count).max() ?? 0
        let head = heads.last?.count ?? 0
        func left(_ text: String, _ width: Int) -> String { text + String(repeating: " ", count: width - text.count) }
        func right(_ text: String) -> String { String(repeating: " ", count: cell - text.count) + text }
        var lines = [
            Style.dim(left("", head) + "  " + left("", width) + heads.map { "  " + right($0) }.joined())
        ]
        for (index, row) in numbers.enumerated() {
            let cells = zip(row, values[index]).map { "  " + Style.heat($1)(right($0)) }
            lines.append(left(heads[index], head) + "  " + left(texts[index], width) + cells.joined())
        }
        return lines
    }

    /// The cosine of each vector with each.
    static func cosines(_ vectors: [[Float]]) -> [[Float]] {
        let vectors = vectors.map { Embedding(values: $0) }
        return vectors.map { row in vectors.map { row.cosineSimilarity(to: $0) } }
    }

    /// What became of texts that were too long, if any was.
    static func note(truncated: Int) -> [String] {
        guard truncated > 0 else { return [] }
        return [Style.dim("end of \(truncated == 1 ? "one text" : "\(truncated) texts") dropped")]
    }
}

extension Style {
    /// A colour for a similarity.
    static func heat(_ value: Float) -> Style {
        switch value {
        case 0.75...: .red
        case 0.5..<0.75: .yellow
        case 0.25..<0.5: .green
        case 0..<0.25: .cyan
        default: .blue
        }
    }
}
