/// Columns under headings, as wide as what they hold.
package struct Table {
    /// One column.
    package struct Column {
        var heading: String
        /// Whether its cells end at the same place, as numbers should.
        var isNumeric = false

        package static func text(_ heading: String) -> Column { Column(heading: heading) }
        package static func number(_ heading: String) -> Column { Column(heading: heading, isNumeric: true) }
    }

    private enum Row {
        case cells([String], styles: [Int: Style])
        case note(String)
    }

    private let columns: [Column]
    private var rows: [Row] = []

    package init(_ columns: [Column]) {
        self.columns = columns
    }

    /// Adds a row with a cell a column.
    package mutating func add(_ cells: [String], styles: [Int: Style] = [:]) {
        rows.append(.cells(cells.map { HumanText.printable($0) }, styles: styles))
    }

    /// Adds a line below the last row, as it is.
    package mutating func addNote(_ text: String) {
        rows.append(.note(text))
    }

    /// The lines, without trailing spaces.
    package var lines: [String] {
        var widths = columns.map(\.heading.count)
        for case .cells(let cells, _) in rows {
            for (index, cell) in cells.enumerated() { widths[index] = max(widths[index], cell.count) }
        }
        func line(_ cells: [String], _ style: (Int) -> Style?) -> String {
            var text = ""
            for (index, cell) in cells.enumerated() {
                let padding = String(repeating: " ", count: widths[index] - cell.count)
                let styled = style(index).map { $0(cell) } ?? cell
                if index > 0 { text += "  " }
                text += columns[index].isNumeric ? padding + styled : styled
                if !columns[index].isNumeric, index < cells.count - 1 { text += padding }
            }
            while text.last == " " { text.removeLast() }
            return text
        }
        return [line(columns.map(\.heading)) { _ in .dim }]
            + rows.map { row in
                switch row {
                case .cells(let cells, let styles): line(cells) { styles[$0] }
                case .note(let text): text
                }
            }
    }
}
