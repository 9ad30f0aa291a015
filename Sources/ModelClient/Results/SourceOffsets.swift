import Messages
import Wire

/// Turns the server's offsets, which count Unicode scalars, into ranges of a Swift string.
///
/// Remembers the last place, so that offsets which rise, as a text's entities do, cost one walk along the text.
struct SourceOffsets {
    private let scalars: String.UnicodeScalarView
    private var offset = 0
    private var index: String.Index

    init(_ text: String) {
        scalars = text.unicodeScalars
        index = scalars.startIndex
    }

    /// - Parameter field: what to name in the error.
    /// - Throws: `WireError` when the range ends before it starts or beyond the text.
    mutating func range(
        _ start: UInt32,
        _ end: UInt32,
        _ field: String
    ) throws(WireError) -> (offsets: Range<Int>, range: Range<String.Index>) {
        guard start <= end, let lower = place(of: Int(start)), let upper = place(of: Int(end)) else {
            throw WireError(.invalidValue, field: field, "\(start)..<\(end) is no range of the text that was sent")
        }
        return (Int(start)..<Int(end), lower..<upper)
    }

    private mutating func place(of target: Int) -> String.Index? {
        if target < offset { (offset, index) = (0, scalars.startIndex) }
        while offset < target {
            guard index < scalars.endIndex else { return nil }
            scalars.formIndex(after: &index)
            offset += 1
        }
        return index
    }
}
