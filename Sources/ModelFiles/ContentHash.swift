/// XXH64 of some bytes (xxHash specification 0.1.1): recognises content and accidental damage, defends against nobody.
package func contentHash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    var offset = 0
    var hash: UInt64
    let count = bytes.count
    func word(_ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }
    if count >= 32 {
        var a = seed &+ Prime.one &+ Prime.two
        var b = seed &+ Prime.two
        var c = seed
        var d = seed &- Prime.one
        while offset + 32 <= count {
            a = round(a, word(offset))
            b = round(b, word(offset + 8))
            c = round(c, word(offset + 16))
            d = round(d, word(offset + 24))
            offset += 32
        }
        hash = rotate(a, 1) &+ rotate(b, 7) &+ rotate(c, 12) &+ rotate(d, 18)
        for lane in [a, b, c, d] { hash = (hash ^ round(0, lane)) &* Prime.one &+ Prime.four }
    } else {
        hash = seed &+ Prime.five
    }
    hash &+= UInt64(count)
    while offset + 8 <= count {
        hash = rotate(hash ^ round(0, word(offset)), 27) &* Prime.one &+ Prime.four
        offset += 8
    }
    if offset + 4 <= count {
        let half = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
        hash = rotate(hash ^ UInt64(half) &* Prime.one, 23) &* Prime.two &+ Prime.three
        offset += 4
    }
    while offset < count {
        hash = rotate(hash ^ UInt64(bytes[offset]) &* Prime.five, 11) &* Prime.one
        offset += 1
    }
    hash = (hash ^ hash >> 33) &* Prime.two
    hash = (hash ^ hash >> 29) &* Prime.three
    return hash ^ hash >> 32
}

private enum Prime {
    static let one: UInt64 = 0x9E37_79B1_85EB_CA87
    static let two: UInt64 = 0xC2B2_AE3D_27D4_EB4F
    static let three: UInt64 = 0x1656_67B1_9E37_79F9
    static let four: UInt64 = 0x85EB_CA77_C2B2_AE63
    static let five: UInt64 = 0x27D4_EB2F_1656_67C5
}

@inline(__always)
private func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 { value << bits | value >> (64 - bits) }

@inline(__always)
private func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* Prime.two, 31) &* Prime.one
}
