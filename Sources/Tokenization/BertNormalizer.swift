/// The BERT normalizer, step by step as the reference does it: clean, space out ideographs, strip accents, lowercase.
///
/// This is the complete form, which also keeps track of marks that canonical ordering moves. `WordScanner` takes the
/// short way for texts without such marks.
struct BertNormalizer: Sendable {
    let cleanText: Bool
    let handleChineseChars: Bool
    let stripAccents: Bool
    let lowercase: Bool

    /// Normalizes `text[range]`; `firstScalar` is the index of its first scalar in the original text.
    func normalize(
        _ text: UnsafePointer<UInt8>,
        _ range: Range<Int>,
        firstScalar: Int32
    ) -> NormalizedText {
        var result = NormalizedText()
        var segment = CombiningSegment()
        var position = range.lowerBound
        var source = firstScalar
        while position < range.upperBound {
            let (scalar, length) = UTF8Decoding.scalar(text, at: position, end: range.upperBound)
            position += length
            forEachCleaned(scalar) { cleaned in
                if stripAccents {
                    decompose(cleaned, source: source, &segment, &result)
                } else {
                    appendLowercased(cleaned, source: source, &result)
                }
            }
            source &+= 1
        }
        flush(&segment, &result)
        return result
    }

    /// The first two steps: nothing, one scalar, or an ideograph between two spaces.
    private func forEachCleaned(_ scalar: UInt32, _ body: (UInt32) -> Void) {
        let flags = UnicodeTables.shared.flags(of: scalar)
        if cleanText, flags.contains(.removed) { return }
        if cleanText, flags.contains(.space) { return body(0x20) }
        guard handleChineseChars, flags.contains(.ideograph) else { return body(scalar) }
        body(0x20)
        body(scalar)
        body(0x20)
    }

    /// Canonical decomposition, which sorts the marks after each starter by their class.
    private func decompose(
        _ scalar: UInt32,
        source: Int32,
        _ segment: inout CombiningSegment,
        _ result: inout NormalizedText
    ) {
        let tables = UnicodeTables.shared
        var isFirst = true
        tables.decompose(scalar) { part in
            let combiningClass = tables.combiningClass(of: part)
            if combiningClass == 0 {
                flush(&segment, &result)
                segment.source = source
                appendStripped(part, source: source, &result)
            } else {
                segment.marks.append(
                    .init(scalar: part, combiningClass: combiningClass, order: segment.marks.count, consumes: isFirst)
                )
                if isFirst { segment.sources.append(source) }
            }
            isFirst = false
        }
    }

    /// Ends a run of marks. The reference aligns by position, not by mark: after sorting, each mark that began a scalar
    /// of the original takes the next source, each further part of a decomposition repeats the last one.
    private func flush(_ segment: inout CombiningSegment, _ result: inout NormalizedText) {
        guard !segment.marks.isEmpty else { return }
        let isMark = { (scalar: UInt32) in UnicodeTables.shared.flags(of: scalar).contains(.mark) }
        if segment.marks.contains(where: { !isMark($0.scalar) }) {
            segment.marks.sort { ($0.combiningClass, $0.order) < ($1.combiningClass, $1.order) }
            var next = 0
            for mark in segment.marks {
                if mark.consumes {
                    segment.source = segment.sources[next]
                    next += 1
                }
                appendStripped(mark.scalar, source: segment.source, &result)
            }
        }
        segment.marks.removeAll(keepingCapacity: true)
        segment.sources.removeAll(keepingCapacity: true)
    }

    private func appendStripped(_ scalar: UInt32, source: Int32, _ result: inout NormalizedText) {
        if !UnicodeTables.shared.flags(of: scalar).contains(.mark) {
            appendLowercased(scalar, source: source, &result)
        }
    }

    private func appendLowercased(_ scalar: UInt32, source: Int32, _ result: inout NormalizedText) {
        guard lowercase else { return result.append(scalar, source: source) }
        UnicodeTables.shared.lowercase(scalar) { result.append($0, source: source) }
    }

    /// The marks since the last starter, not yet in canonical order.
    private struct CombiningSegment {
        struct Mark {
            var scalar: UInt32
            var combiningClass: UInt8
            var order: Int
            /// Whether it is the first part of a scalar of the original.
            var consumes: Bool
        }

        var marks: [Mark] = []
        /// The sources of those marks that consume one.
        var sources: [Int32] = []
        /// The source that was consumed last.
        var source: Int32 = 0
    }
}

/// Normalized text with its alignment.
struct NormalizedText {
    /// UTF-8.
    private(set) var bytes: [UInt8] = []
    /// For each byte, the scalar of the original text that it comes from. Ascending.
    private(set) var sources: [Int32] = []

    mutating func append(_ scalar: UInt32, source: Int32) {
        UTF8Decoding.encode(scalar) { byte in
            bytes.append(byte)
            sources.append(source)
        }
    }
}
