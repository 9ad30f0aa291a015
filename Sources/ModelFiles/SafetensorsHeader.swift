import JSON

/// The header of a safetensors file, checked against the file's size before anything in it is believed.
///
/// The format: 8 bytes with the header's length N (little-endian), N bytes of JSON, then the data. The JSON maps each
/// tensor's name to its dtype, shape and byte range within the data; `__metadata__` maps strings to strings. Together the
/// ranges must cover the data exactly, without hole or overlap, so that a file has one reading only.
/// Source: https://github.com/huggingface/safetensors#format
package struct SafetensorsHeader: Sendable {
    /// One tensor.
    package struct Entry: Sendable {
        package let name: String
        package let dtype: ElementType
        package let shape: [Int]
        /// The bytes of the file that hold the elements.
        package let range: Range<Int>
    }

    /// The tensors in the order of their data.
    package let entries: [Entry]
    /// The pairs of `__metadata__`, in the order of the file.
    package let metadata: [(key: String, value: String)]

    /// The longest header that the format allows, in bytes.
    package static let largestHeader = 100_000_000
    /// The most dimensions of a tensor; bounds the work that a hostile header can ask for.
    private static let mostDimensions = 16
    private static let limits = JSONLimits(bytes: largestHeader, depth: 4, values: 1_000_000)

    /// Checks the file whose bytes are given; `file` names it in errors.
    package init(validating bytes: UnsafeRawBufferPointer, file: String) throws(ModelFilesError) {
        func malformed(_ message: String) -> ModelFilesError {
            ModelFilesError(.malformedCheckpoint, file: file, message + "; download or convert the file again")
        }
        guard bytes.count >= 8 else {
            throw malformed(
                "a safetensors file begins with 8 bytes of header length, and this one has \(bytes.count) bytes"
            )
        }
        let declared = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
        guard declared <= UInt64(Self.largestHeader) else {
            throw malformed(
                "the header's length, \(declared), is over the format's limit of \(Self.largestHeader) bytes"
            )
        }
        let dataStart = 8 + Int(declared)
        guard dataStart <= bytes.count else {
            throw malformed(
                "the header should have \(declared) bytes, and the file ends after \(bytes.count - 8) of them"
            )
        }
        guard declared > 0, bytes[8] == UInt8(ascii: "{") else {
            throw malformed("the header does not begin with an opening brace")
        }
        let header = try JSONNode(
            parsing: UnsafeRawBufferPointer(rebasing: bytes[8..<dataStart]),
            file: "\(file) (header)",
            limits: Self.limits,
            blame: .malformedCheckpoint
        )

        var entries: [Entry] = []
        var metadata: [(key: String, value: String)] = []
        for (name, node) in try header.members() {
            if name == "__metadata__" {
                for (key, value) in try node.members() { metadata.append((key, try value.string())) }
            } else {
                entries.append(try Self.entry(name, node, dataStart: dataStart, dataCount: bytes.count - dataStart))
            }
        }
        entries.sort { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }

        var end = dataStart
        for entry in entries {
            guard entry.range.lowerBound == end else {
                let problem = entry.range.lowerBound < end ? "overlaps the tensor before it" : "leaves a hole before it"
                throw malformed(
                    "the tensor \(quoted(entry.name)) \(problem): its data begins at byte "
                        + "\(entry.range.lowerBound - dataStart) and should begin at \(end - dataStart)"
                )
            }
            end = entry.range.upperBound
        }
        guard end == bytes.count else {
            throw malformed("\(bytes.count - end) bytes after the last tensor belong to none")
        }
        self.entries = entries
        self.metadata = metadata
    }

    /// Checks one tensor by itself: a known type, a range inside the data, a shape that fills the range.
    private static func entry(
        _ name: String,
        _ node: JSONNode,
        dataStart: Int,
        dataCount: Int
    ) throws(ModelFilesError) -> Entry {
        let typeNode = try node.required("dtype")
        guard let dtype = ElementType(rawValue: try typeNode.string()) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw typeNode.mismatch("one of \(known)")
        }
        let shapeNode = try node.required("shape")
        let dimensions = try shapeNode.elements()
        guard dimensions.count <= mostDimensions else {
            throw shapeNode.mismatch("an array of at most \(mostDimensions) sizes")
        }
        var shape: [Int] = []
        var size = dtype.size
        for dimension in dimensions {
            let length = try dimension.integer(in: 0...Int.max)
            let (product, overflow) = size.multipliedReportingOverflow(by: length)
            guard !overflow else {
                throw shapeNode.mismatch("a shape whose size in bytes is a 64-bit number")
            }
            shape.append(length)
            size = product
        }
        let offsets = try node.required("data_offsets")
        let bounds = try offsets.elements()
        guard bounds.count == 2 else { throw offsets.mismatch("an array of two offsets") }
        let begin = try bounds[0].integer(in: 0...Int.max)
        let end = try bounds[1].integer(in: begin...Int.max)
        guard end <= dataCount else {
            throw ModelFilesError(
                .malformedCheckpoint,
                file: node.file,
                "the tensor \(quoted(name)) ends at byte \(end) of the data, and the file holds only \(dataCount): it was cut "
                    + "short or damaged; download it again"
            )
        }
        guard end - begin == size else {
            throw ModelFilesError(
                .malformedCheckpoint,
                file: node.file,
                "the tensor \(quoted(name)) of type \(dtype.rawValue) and shape \(shape) takes \(size) bytes, and its "
                    + "range has \(end - begin)"
            )
        }
        return Entry(name: name, dtype: dtype, shape: shape, range: dataStart + begin..<dataStart + end)
    }
}
