package import JSON

/// A value of a JSON file together with its whereabouts, so that an accessor that finds something else can say where.
package struct JSONNode: Sendable {
    /// The file's path.
    package let file: String
    /// The way to the value: "id2label.3"; empty at the top.
    package let path: String
    package let value: JSONValue
    /// The code of the errors about values that are not as they must be.
    private let blame: ModelFilesError.Code

    /// Reads a whole JSON file, unless told otherwise as Python does; `blame` is the code of errors about values in it.
    package init(
        readingFile path: String,
        from files: FolderFiles = .disk,
        limits: JSONLimits = .savedByPython,
        blame: ModelFilesError.Code = .invalidConfiguration
    ) throws(ModelFilesError) {
        let file = try files.open(path)
        try self.init(parsing: file.bytes, file: path, limits: limits, blame: blame)
        withExtendedLifetime(file) {}
    }

    /// Reads the JSON text in `bytes`, which `file` names in errors.
    package init(
        parsing bytes: UnsafeRawBufferPointer,
        file: String,
        limits: JSONLimits = JSONLimits(),
        blame: ModelFilesError.Code = .invalidConfiguration
    ) throws(ModelFilesError) {
        do {
            self.init(file: file, path: "", value: try JSONValue.parse(bytes, limits: limits), blame: blame)
        } catch {
            throw ModelFilesError(.malformedJSON, file: file, error.description)
        }
    }

    private init(file: String, path: String, value: JSONValue, blame: ModelFilesError.Code) {
        self.file = file
        self.path = path
        self.value = value
        self.blame = blame
    }

    // MARK: - The value as a Swift type

    /// The value as an integer within `range`.
    package func integer(in range: ClosedRange<Int>) throws(ModelFilesError) -> Int {
        guard case .integer(let integer) = value, range.contains(integer) else {
            throw mismatch("an integer from \(range.lowerBound) to \(range.upperBound)")
        }
        return integer
    }

    /// The value as a number.
    package func number() throws(ModelFilesError) -> Double {
        switch value {
        case .integer(let integer): return Double(integer)
        case .number(let number): return number
        default: throw mismatch("a number")
        }
    }

    package func string() throws(ModelFilesError) -> String {
        guard case .string(let string) = value else { throw mismatch("a string") }
        return string
    }

    package func bool() throws(ModelFilesError) -> Bool {
        guard case .bool(let flag) = value else { throw mismatch("true or false") }
        return flag
    }

    /// The elements of an array.
    package func elements() throws(ModelFilesError) -> [JSONNode] {
        guard case .array(let array) = value else { throw mismatch("an array") }
        return array.enumerated().map {
            JSONNode(file: file, path: "\(path)[\($0.offset)]", value: $0.element, blame: blame)
        }
    }

    /// The members of an object, in the order of the file.
    package func members() throws(ModelFilesError) -> [(key: String, node: JSONNode)] {
        try object().members.map { ($0.key, child($0.key, $0.value)) }
    }

    // MARK: - Members of an object

    /// The member `key`; nil if it is absent or null, which `transformers` treats alike.
    package func member(_ key: String) throws(ModelFilesError) -> JSONNode? {
        guard let value = try object()[key] else { return nil }
        if case .null = value { return nil }
        return child(key, value)
    }

    /// The member `key`, which must be there and not be null.
    package func required(_ key: String) throws(ModelFilesError) -> JSONNode {
        guard let node = try member(key) else {
            throw ModelFilesError(
                blame,
                file: file,
                "\(path.isEmpty ? "" : "\(path): ")the key \(quoted(key)) is missing"
            )
        }
        return node
    }

    /// An error about this value: "`hidden_size` must be an integer, and it is null".
    package func mismatch(_ expectation: String) -> ModelFilesError {
        let subject = path.isEmpty ? "the file" : "`\(path)`"
        return ModelFilesError(blame, file: file, "\(subject) must be \(expectation), and it is \(value.kind)")
    }

    private func object() throws(ModelFilesError) -> JSONObject {
        guard case .object(let object) = value else { throw mismatch("an object") }
        return object
    }

    private func child(_ key: String, _ value: JSONValue) -> JSONNode {
        let name = String(quoted(key).dropFirst().dropLast())
        return JSONNode(file: file, path: path.isEmpty ? name : "\(path).\(name)", value: value, blame: blame)
    }
}
