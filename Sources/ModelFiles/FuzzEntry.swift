import JSON

/// The readers of untrusted bytes as a fuzzer wants them: any bytes in, nothing out, and no trap.
///
/// A libFuzzer target calls these from `LLVMFuzzerTestOneInput`; the tests call them with mutated files.
package enum FuzzEntry {
    /// Reads the bytes as JSON; true if they are.
    @discardableResult
    package static func json(_ bytes: UnsafeRawBufferPointer) -> Bool {
        (try? JSONValue.parse(bytes, limits: JSONLimits(bytes: 1 << 20, depth: 32, values: 100_000))) != nil
    }

    /// Reads the bytes as a safetensors file; true if they are one. Every range of an accepted header lies in the bytes.
    @discardableResult
    package static func safetensors(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let header = try? SafetensorsHeader(validating: bytes, file: "fuzz") else { return false }
        var end = header.entries.first?.range.lowerBound ?? bytes.count
        for entry in header.entries {
            precondition(entry.range.lowerBound == end && entry.range.upperBound <= bytes.count)
            end = entry.range.upperBound
        }
        precondition(end == bytes.count)
        return true
    }

    /// Reads the bytes as `config.json`; true if they describe a supported model.
    @discardableResult
    package static func configuration(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let file = try? JSONNode(parsing: bytes, file: "fuzz", limits: .savedByPython) else { return false }
        return (try? ModelConfiguration(file)) != nil
    }
}
