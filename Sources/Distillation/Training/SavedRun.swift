import JSON
import ModelFiles

/// The file of a saved run: a line of JSON with the version and a hash of what follows, one that says where the run is, and then
/// the float32 values of weights, first and second moments, and a byte for each row of the word table.
package struct SavedRun {
    /// How far a run has come.
    package struct Place: Sendable, Hashable {
        package var step = 0
        package var tokens = 0
        package var seconds = 0.0
        package var loss = 0.0
        /// Of the epoch that it is in.
        package var epochLoss = 0.0
        package var epochSteps = 0

        package init() {}
    }

    /// Why a file is of no use.
    package enum Fault: Error, Hashable {
        case damaged(String)
        /// It is a run of other settings, models or data.
        case otherRun
    }

    package let place: Place
    /// Weights, first and second moments, as float32.
    package let blocks: [UnsafeRawBufferPointer]
    package let reached: UnsafeRawBufferPointer

    private static let version = 3
    private static let blockCount = 3
    private static let longestLine = 4096

    // MARK: - Writing

    /// The lines before the values.
    ///
    /// - Parameter blocks: as many bytes each.
    package static func lines(
        _ place: Place,
        key: String,
        blocks: [UnsafeRawBufferPointer],
        reached: UnsafeRawBufferPointer
    ) -> [UInt8] {
        let line = JSONText.object([
            ("key", key), ("values", blocks[0].count / MemoryLayout<Float>.stride), ("rows", reached.count),
            ("step", place.step), ("tokens", place.tokens), ("seconds", place.seconds), ("loss_bits", bits(place.loss)),
            ("epoch_loss_bits", bits(place.epochLoss)), ("epoch_steps", place.epochSteps),
        ]).json
        let bytes = Array((line + "\n").utf8)
        let hash = bytes.withUnsafeBytes { Self.hash([$0] + blocks + [reached]) }
        return Array((JSONText.object([("version", version), ("hash", hash)]).json + "\n").utf8) + bytes
    }

    private static func hash(_ parts: [UnsafeRawBufferPointer]) -> String {
        String(parts.reduce(0) { contentHash($1, seed: $0) }, radix: 16)
    }

    private static func bits(_ value: Double) -> String { String(value.bitPattern, radix: 16) }

    // MARK: - Reading

    /// - Parameters:
    ///   - bytes: of the file, which the blocks are slices of.
    ///   - key: of the run that is to go on.
    package init(_ bytes: UnsafeRawBufferPointer, key: String) throws(Fault) {
        var rest = bytes[...]
        func line() throws(Fault) -> (bytes: UnsafeRawBufferPointer, object: JSONObject) {
            guard let end = rest.prefix(Self.longestLine).firstIndex(of: UInt8(ascii: "\n")),
                case .object(let object)? = try? JSONValue.parse(Array(rest[..<end]))
            else { throw .damaged("it is no saved run") }
            defer { rest = rest[(end + 1)...] }
            return (UnsafeRawBufferPointer(rebasing: rest[...end]), object)
        }
        let (_, first) = try line()
        guard first.count("version") == Self.version else { throw .damaged("another version of distill wrote it") }
        let (second, head) = try line()
        guard let values = head.count("values"), let rows = head.count("rows"), let step = head.count("step"),
            let tokens = head.count("tokens"), let epochSteps = head.count("epoch_steps"),
            let loss = head.double("loss_bits"), let epochLoss = head.double("epoch_loss_bits"),
            case .string(let found)? = head["key"]
        else { throw .damaged("it is no saved run") }
        guard found == key else { throw .otherRun }
        let size = MemoryLayout<Float>.stride
        guard values <= rest.count / size / Self.blockCount, rows == rest.count - values * size * Self.blockCount else {
            throw .damaged("it is cut off or of another model")
        }
        let start = rest.startIndex
        blocks = (0..<Self.blockCount).map { block in
            UnsafeRawBufferPointer(rebasing: bytes[start + block * values * size..<start + (block + 1) * values * size])
        }
        reached = UnsafeRawBufferPointer(rebasing: rest.suffix(rows))
        guard case .string(let hash)? = first["hash"], hash == Self.hash([second] + blocks + [reached]) else {
            throw .damaged("its contents are damaged")
        }
        var place = Place()
        (place.step, place.tokens, place.epochSteps) = (step, tokens, epochSteps)
        (place.loss, place.epochLoss) = (loss, epochLoss)
        switch head["seconds"] {
        case .number(let seconds)?: place.seconds = seconds
        case .integer(let seconds)?: place.seconds = Double(seconds)
        default: break
        }
        self.place = place
    }
}

extension JSONObject {
    /// A number from 0 on.
    fileprivate func count(_ key: String) -> Int? {
        if case .integer(let value)? = self[key], value >= 0 { value } else { nil }
    }

    /// Of its bits, in hexadecimal digits.
    fileprivate func double(_ key: String) -> Double? {
        guard case .string(let text)? = self[key] else { return nil }
        return UInt64(text, radix: 16).map { Double(bitPattern: $0) }
    }
}
