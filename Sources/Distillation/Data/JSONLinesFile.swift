import JSON

/// A file with one JSON object on each line.
///
/// `text`, `text_pair` and `label` may be renamed; `labels`, `probabilities`, `tokens`, `tags`, `question`, `context`,
/// `answers` and `id` are named so. Other keys are passed over.
struct JSONLinesFile {
    let options: DatasetOptions

    func records(_ input: DataInput) throws(DistillationError) -> DataRecords {
        var result = DataRecords(file: input.file)
        var (start, line) = (0, 1)
        while start < input.bytes.count {
            let end = input.bytes[start...].firstIndex(of: 0x0A) ?? input.bytes.count
            guard end - start <= options.longestLine else {
                throw input.error(line: line, "the line has \(end - start) bytes, more than \(options.longestLine)")
            }
            let bytes = UnsafeRawBufferPointer(rebasing: input.bytes[start..<end])
            if !bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D }) {
                result.records.append(try JSONLine(bytes, line: line, input: input, options: options).record())
            }
            (start, line) = (end + 1, line + 1)
        }
        return result
    }
}

/// One line of such a file.
private struct JSONLine {
    private let object: JSONObject
    private let line: Int
    private let input: DataInput
    private let options: DatasetOptions

    init(
        _ bytes: UnsafeRawBufferPointer,
        line: Int,
        input: DataInput,
        options: DatasetOptions
    ) throws(DistillationError) {
        (self.line, self.input, self.options) = (line, input, options)
        let value: JSONValue
        do throws(JSONError) {
            value = try JSONValue.parse(bytes, limits: JSONLimits(bytes: options.longestLine))
        } catch {
            let path = error.path.isEmpty ? "" : ", at \(error.path)"
            let whole = line == 1 ? "; each line holds one object (jq -c makes lines of a document)" : ""
            throw input.error(line: line, "column \(error.column)\(path): \(error.message)\(whole)")
        }
        guard case .object(let object) = value else {
            throw input.error(line: line, "\(value.kind) stands where an object should; each line holds one")
        }
        self.object = object
    }

    func record() throws(DistillationError) -> DataRecord {
        if object["tokens"] != nil, options.textColumn == nil { return try taggedWords() }
        if object["question"] != nil, object["context"] != nil, options.textColumn == nil { return try question() }
        let text = try string(options.textColumn ?? "text", flag: "--text-column")
        var record = DataRecord(line: line, text: text)
        let pairKey = options.pairColumn ?? "text_pair"
        if options.pairColumn != nil || present(pairKey) != nil {
            record.pair = try string(pairKey, flag: "--pair-column")
        }
        record.statement = try statement()
        record.id = try identifier()
        return record
    }

    // MARK: - What is said about a text

    private func statement() throws(DistillationError) -> DataRecord.Statement {
        guard options.labelUse != .ignored else { return .none }
        let given = options.labelColumn
        if let given, object[given] == nil { throw missing(given, flag: "--label-column") }
        if let value = present("probabilities"), case .object(let members) = value {
            var probabilities: [(label: String, probability: Double)] = []
            for member in members.members {
                guard let number = number(member.value), (0...1).contains(number) else {
                    throw error(
                        "the probability of \(quoted(member.key)) is \(member.value.kind), not a number from 0 to 1"
                    )
                }
                probabilities.append((member.key, number))
            }
            guard !probabilities.isEmpty else { throw error("\"probabilities\" is empty") }
            let label = try present(given ?? "label").map { (value) throws(DistillationError) in
                try name(value, key: given ?? "label")
            }
            return .probabilities(probabilities, label: label)
        }
        if let value = present("probabilities") {
            throw error("\"probabilities\" is \(value.kind), not an object of labels and their probabilities")
        }
        let key = given ?? (present("label") == nil ? "labels" : "label")
        guard let value = present(key) else {
            if options.labelUse == .required { throw missing("label", flag: "--label-column") }
            return .none
        }
        switch value {
        case .array(let values): return .names(try names(values, key: key))
        case .integer(let integer): return .number(Double(integer), text: String(integer))
        case .number(let number): return .number(number, text: "\(number)")
        default: return .name(try name(value, key: key))
        }
    }

    private func taggedWords() throws(DistillationError) -> DataRecord {
        let words = try strings("tokens")
        guard !words.isEmpty else { throw error("\"tokens\" is empty") }
        if let place = words.firstIndex(where: isBlank) { throw error("the token \(place) (from 0) is empty") }
        var record = DataRecord(line: line, text: words.joined(separator: " "), words: words)
        record.id = try identifier()
        guard options.labelUse != .ignored else { return record }
        guard let value = present("tags") else {
            if options.labelUse == .required { throw missing("tags", flag: nil) }
            return record
        }
        guard case .array(let values) = value else { throw error("\"tags\" is \(value.kind), not an array") }
        let tags = try names(values, key: "tags")
        guard tags.count == words.count else {
            throw error(
                "\(counted(tags.count, "tag")) for \(counted(words.count, "token")); each token needs one"
            )
        }
        record.statement = .tags(tags)
        return record
    }

    /// A question and its context, as SQuAD is kept in lines: the answers as objects, or as one object of arrays.
    private func question() throws(DistillationError) -> DataRecord {
        let context = try string("context", flag: nil)
        var record = DataRecord(line: line, text: try string("question", flag: "--text-column"), pair: context)
        record.id = try identifier()
        guard options.labelUse != .ignored else { return record }
        guard let value = present("answers") else {
            if options.labelUse == .required { throw missing("answers", flag: nil) }
            return record
        }
        do throws(SQuADAnswers.Problem) {
            record.statement = .answers(try SQuADAnswers(context: context).answers(value))
        } catch {
            throw self.error(error.message)
        }
        return record
    }

    // MARK: - Values

    /// The value of a key, unless it is null.
    private func present(_ key: String) -> JSONValue? {
        if case .null? = object[key] { return nil }
        return object[key]
    }

    private func string(_ key: String, flag: String?) throws(DistillationError) -> String {
        guard let value = object[key] else { throw missing(key, flag: flag) }
        guard case .string(let text) = value else { throw error("\(quoted(key)) is \(value.kind), not a string") }
        guard !isBlank(text) else { throw error("\(quoted(key)) is empty") }
        return text
    }

    private func strings(_ key: String) throws(DistillationError) -> [String] {
        guard let value = object[key] else { throw missing(key, flag: nil) }
        guard case .array(let values) = value else { throw error("\(quoted(key)) is \(value.kind), not an array") }
        var texts: [String] = []
        for (index, value) in values.enumerated() {
            guard case .string(let text) = value else {
                throw error("\"\(key)[\(index)]\" is \(value.kind), not a string")
            }
            texts.append(text)
        }
        return texts
    }

    private func names(_ values: [JSONValue], key: String) throws(DistillationError) -> [String] {
        var names: [String] = []
        for (index, value) in values.enumerated() { names.append(try name(value, key: "\(key)[\(index)]")) }
        return names
    }

    /// A label: a string, an integer or a truth value.
    private func name(_ value: JSONValue, key: String) throws(DistillationError) -> String {
        switch value {
        case .string(let text) where !isBlank(text): text
        case .string: throw error("\(quoted(key)) is empty")
        case .integer(let integer): String(integer)
        case .number(let number): "\(number)"
        case .bool(let flag): String(flag)
        default: throw error("\(quoted(key)) is \(value.kind), not a label")
        }
    }

    private func number(_ value: JSONValue) -> Double? {
        switch value {
        case .integer(let integer): Double(integer)
        case .number(let number): number
        default: nil
        }
    }

    private func identifier() throws(DistillationError) -> String? {
        guard let value = present("id") else { return nil }
        return try name(value, key: "id")
    }

    private func missing(_ key: String, flag: String?) -> DistillationError {
        let there = object.members.map { quoted($0.key) }.joined(separator: ", ")
        return error(
            "the key \(quoted(key)) is missing; there are \(there.isEmpty ? "none" : there)"
                + (flag.map { "; name yours with \($0)" } ?? "")
        )
    }

    private func error(_ message: String) -> DistillationError { input.error(line: line, message) }
}
