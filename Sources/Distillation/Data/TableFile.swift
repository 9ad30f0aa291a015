import JSON

/// A table with a header, `.csv` or `.tsv`.
struct TableFile {
    let options: DatasetOptions

    func records(_ input: DataInput, style: DelimitedRows.Style) throws(DistillationError) -> DataRecords {
        var rows = DelimitedRows(input, style: style, longest: options.longestLine)
        guard let header = try rows.next() else {
            throw .failed("\(input.file) is empty; its first line must name the columns")
        }
        let columns = TableColumns(header, input: input)
        let text = try columns.required(options.textColumn ?? "text", flag: "--text-column")
        let pair = try column(columns, given: options.pairColumn, otherwise: ["text_pair"], flag: "--pair-column")
        let label = try labelColumn(columns)

        var result = DataRecords(file: input.file)
        var betweenQuotes = 0
        while let row = try rows.next() {
            guard row.fields.count == header.fields.count else {
                throw input.error(
                    line: row.line,
                    "the row has \(counted(row.fields.count, "field")), and the header \(header.fields.count)"
                        + (style == .commas ? "; a field that holds a comma or a line end needs double quotes" : "")
                )
            }
            guard !isBlank(row.fields[text]) else {
                throw input.error(line: row.line, "the text (column \(quoted(header.fields[text]))) is empty")
            }
            var record = DataRecord(line: row.line, text: row.fields[text])
            if let pair, !isBlank(row.fields[pair]) { record.pair = row.fields[pair] }
            if let label { record.statement = .cell(row.fields[label]) }
            result.records.append(record)
            let cell = row.fields[text].utf8
            if style == .tabs, cell.count > 1, cell.first == UInt8(ascii: "\""), cell.last == UInt8(ascii: "\"") {
                betweenQuotes += 1
            }
        }
        if betweenQuotes > 0 {
            result.warnings.append(
                "\(input.file): \(counted(betweenQuotes, "text")) between double quotes, which stay part of the text "
                    + "in a .tsv; where they are not meant, write a .csv."
            )
        }
        return result
    }

    private func labelColumn(_ columns: TableColumns) throws(DistillationError) -> Int? {
        guard options.labelUse != .ignored else { return nil }
        let names = ["label", "labels"]
        if let found = try column(columns, given: options.labelColumn, otherwise: names, flag: "--label-column") {
            return found
        }
        guard options.labelUse == .required else { return nil }
        return try columns.required("label", flag: "--label-column")
    }

    /// The column of the name that was given, which must be there, or else of the first of the usual names that is.
    private func column(
        _ columns: TableColumns,
        given: String?,
        otherwise names: [String],
        flag: String
    ) throws(DistillationError) -> Int? {
        if let given { return try columns.required(given, flag: flag) }
        return try columns.position(ofAny: names)
    }
}

/// The names in a header.
struct TableColumns {
    private let header: DelimitedRows.Row
    private let input: DataInput

    init(_ header: DelimitedRows.Row, input: DataInput) {
        self.header = header
        self.input = input
    }

    func position(of name: String) throws(DistillationError) -> Int? {
        let places = header.fields.indices.filter { ExactString(header.fields[$0]) == ExactString(name) }
        guard places.count <= 1 else {
            throw input.error(line: header.line, "the header has the column \(quoted(name)) \(places.count) times")
        }
        return places.first
    }

    /// The column of the first of the names that is there.
    func position(ofAny names: [String]) throws(DistillationError) -> Int? {
        for name in names {
            if let found = try position(of: name) { return found }
        }
        return nil
    }

    /// - Parameter flag: the flag that names another column; nil where there is none.
    func required(_ name: String, flag: String?) throws(DistillationError) -> Int {
        if let position = try position(of: name) { return position }
        let there = header.fields.map(quoted).joined(separator: ", ")
        throw input.error(
            line: header.line,
            "there is no column \(quoted(name)); there are \(there)" + (flag.map { "; name yours with \($0)" } ?? "")
        )
    }
}
