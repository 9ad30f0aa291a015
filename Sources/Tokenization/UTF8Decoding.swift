/// UTF-8 in place. Ill-formed bytes, which callers are expected to have refused, count as U+FFFD one by one.
enum UTF8Decoding {
    /// The scalar that begins at `position`, and its length in bytes. `position` must be below `end`.
    @inline(__always)
    static func scalar(_ text: UnsafePointer<UInt8>, at position: Int, end: Int) -> (scalar: UInt32, length: Int) {
        let lead = UInt32(text[position])
        if lead < 0x80 { return (lead, 1) }
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard lead >= 0xC2, lead < 0xF5, end - position >= length else { return (0xFFFD, 1) }
        var scalar = lead & (0x7F >> UInt32(length))
        for index in 1..<length {
            let byte = UInt32(text[position + index])
            guard byte & 0xC0 == 0x80 else { return (0xFFFD, 1) }
            scalar = scalar << 6 | byte & 0x3F
        }
        let shortest: UInt32 = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000
        guard scalar >= shortest, scalar <= 0x10FFFF, scalar & 0xFFFF_F800 != 0xD800 else { return (0xFFFD, 1) }
        return (scalar, length)
    }

    /// The scalar that ends before `position`, which must be above `start`.
    static func scalar(_ text: UnsafePointer<UInt8>, before position: Int, start: Int) -> (scalar: UInt32, length: Int)
    {
        for length in 1...4 where position - length >= start {
            let decoded = scalar(text, at: position - length, end: position)
            if decoded.length == length, length > 1 || text[position - 1] < 0x80 { return decoded }
        }
        return (0xFFFD, 1)
    }

    /// The number of scalars in a range of bytes.
    static func count(_ text: UnsafePointer<UInt8>, _ range: Range<Int>) -> Int {
        var position = range.lowerBound
        var count = 0
        while position < range.upperBound {
            position += scalar(text, at: position, end: range.upperBound).length
            count += 1
        }
        return count
    }

    /// Calls `body` with the one to four bytes of a scalar.
    @inline(__always)
    static func encode(_ scalar: UInt32, _ body: (UInt8) -> Void) {
        if scalar < 0x80 {
            body(UInt8(truncatingIfNeeded: scalar))
        } else if scalar < 0x800 {
            body(UInt8(truncatingIfNeeded: 0xC0 | scalar >> 6))
            body(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        } else if scalar < 0x10000 {
            body(UInt8(truncatingIfNeeded: 0xE0 | scalar >> 12))
            body(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            body(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        } else {
            body(UInt8(truncatingIfNeeded: 0xF0 | scalar >> 18))
            body(UInt8(truncatingIfNeeded: 0x80 | scalar >> 12 & 0x3F))
            body(UInt8(truncatingIfNeeded: 0x80 | scalar >> 6 & 0x3F))
            body(UInt8(truncatingIfNeeded: 0x80 | scalar & 0x3F))
        }
    }
}
