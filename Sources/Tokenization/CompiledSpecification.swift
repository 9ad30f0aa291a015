/// A specification as bytes, for keeping beside the model that it belongs to: reading one takes a fraction of a
/// millisecond, parsing the `tokenizer.json` that it came from seventy.
///
/// Little-endian. A string is its length (UInt32) and its UTF-8; a list its count (UInt32) and its elements; an optional
/// a byte, 1 when there is something, and that.
extension TokenizerSpecification {
    /// The bytes that `init(compiled:)` reads.
    package var compiled: [UInt8] {
        var out = Writer()
        out.number(UInt32(vocabulary.starts.count))
        for start in vocabulary.starts { out.number(start) }
        out.bytes += vocabulary.bytes
        out.list(addedTokens) { out, token in
            out.text(token.content)
            out.number(token.id)
            for flag in [token.singleWord, token.lstrip, token.rstrip, token.normalized, token.special] {
                out.flag(flag)
            }
        }
        for text in [unknownToken, classToken, separatorToken, continuingSubwordPrefix] { out.text(text) }
        for text in [padToken, maskToken] { out.optional(text) { $0.text($1) } }
        out.number(Int64(maxInputCharsPerWord))
        for flag in [cleanText, handleChineseChars, lowercase, cleansUpSpaces] { out.flag(flag) }
        out.optional(stripAccents) { $0.flag($1) }
        out.optional(modelMaxLength) { $0.number(Int64($1)) }
        out.optional(decoder) { out, decoder in
            out.text(decoder.prefix)
            out.flag(decoder.cleansUp)
        }
        for template in [singleTemplate, pairTemplate] {
            out.list(template) { out, piece in
                switch piece {
                case .special(let token, let typeID):
                    out.number(UInt8(0))
                    out.number(typeID)
                    out.text(token)
                case .first(let typeID):
                    out.number(UInt8(1))
                    out.number(typeID)
                case .second(let typeID):
                    out.number(UInt8(2))
                    out.number(typeID)
                }
            }
        }
        return out.bytes
    }

    /// - Throws: `.invalidSpecification` when the bytes are not those of a specification.
    package init(compiled: UnsafeRawBufferPointer) throws(TokenizationError) {
        var input = Reader(bytes: compiled)
        let starts = try input.numbers(UInt32.self)
        let text = try input.take(Int(starts.last ?? 0))
        guard let vocabulary = TokenList(bytes: Array(text), starts: starts) else { throw Reader.damaged }
        self.init(vocabulary: vocabulary)
        addedTokens = try input.list { (input) throws(TokenizationError) in
            var token = AddedToken(content: try input.text(), id: try input.number(Int32.self))
            token.singleWord = try input.flag()
            token.lstrip = try input.flag()
            token.rstrip = try input.flag()
            token.normalized = try input.flag()
            token.special = try input.flag()
            guard token.id >= 0 else { throw Reader.damaged }
            return token
        }
        unknownToken = try input.text()
        classToken = try input.text()
        separatorToken = try input.text()
        continuingSubwordPrefix = try input.text()
        padToken = try input.flag() ? try input.text() : nil
        maskToken = try input.flag() ? try input.text() : nil
        maxInputCharsPerWord = Int(try input.number(Int64.self))
        cleanText = try input.flag()
        handleChineseChars = try input.flag()
        lowercase = try input.flag()
        cleansUpSpaces = try input.flag()
        stripAccents = try input.flag() ? try input.flag() : nil
        modelMaxLength = try input.flag() ? Int(try input.number(Int64.self)) : nil
        guard modelMaxLength ?? 1 >= 1 else { throw Reader.damaged }
        decoder =
            try input.flag() ? WordPieceDecoder(prefix: try input.text(), cleansUp: try input.flag()) : nil
        singleTemplate = try Self.template(&input)
        pairTemplate = try Self.template(&input)
        guard input.isAtEnd else { throw Reader.damaged }
    }

    private static func template(_ input: inout Reader) throws(TokenizationError) -> [TemplatePiece] {
        try input.list { (input) throws(TokenizationError) in
            let kind = try input.number(UInt8.self)
            let typeID = try input.number(Int32.self)
            guard typeID >= 0 else { throw Reader.damaged }
            switch kind {
            case 0: return .special(token: try input.text(), typeID: typeID)
            case 1: return .first(typeID: typeID)
            case 2: return .second(typeID: typeID)
            default: throw Reader.damaged
            }
        }
    }
}

private struct Writer {
    var bytes: [UInt8] = []

    mutating func number(_ value: some FixedWidthInteger) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func flag(_ value: Bool) { bytes.append(value ? 1 : 0) }

    mutating func text(_ value: String) {
        number(UInt32(value.utf8.count))
        bytes += value.utf8
    }

    mutating func optional<Value>(_ value: Value?, _ write: (inout Writer, Value) -> Void) {
        flag(value != nil)
        if let value { write(&self, value) }
    }

    mutating func list<Element>(_ elements: [Element], _ write: (inout Writer, Element) -> Void) {
        number(UInt32(elements.count))
        for element in elements { write(&self, element) }
    }
}

/// Every length is checked: a pack may be damaged.
private struct Reader {
    let bytes: UnsafeRawBufferPointer
    private var offset = 0

    static let damaged = TokenizationError(.invalidSpecification, "the compiled tokenizer is damaged")

    init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    var isAtEnd: Bool { offset == bytes.count }

    mutating func take(_ count: Int) throws(TokenizationError) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - offset else { throw Self.damaged }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(TokenizationError) -> Number {
        Number(littleEndian: try take(MemoryLayout<Number>.size).loadUnaligned(as: Number.self))
    }

    mutating func flag() throws(TokenizationError) -> Bool { try number(UInt8.self) != 0 }

    mutating func text() throws(TokenizationError) -> String {
        String(decoding: try take(Int(try number(UInt32.self))), as: UTF8.self)
    }

    /// A list of numbers.
    mutating func numbers<Number: FixedWidthInteger>(_: Number.Type) throws(TokenizationError) -> [Number] {
        let count = Int(try number(UInt32.self))
        let size = MemoryLayout<Number>.size
        let values = try take(count * size)
        return (0..<count).map {
            Number(littleEndian: values.loadUnaligned(fromByteOffset: $0 * size, as: Number.self))
        }
    }

    mutating func list<Element>(
        _ read: (inout Reader) throws(TokenizationError) -> Element
    ) throws(TokenizationError) -> [Element] {
        var elements: [Element] = []
        for _ in 0..<(try number(UInt32.self)) { elements.append(try read(&self)) }
        return elements
    }
}
