/// A safetensors file of a header as text and data of `count` bytes, in which byte i is i modulo 256.
func safetensors(_ header: String, data count: Int, declaredLength: UInt64? = nil) -> [UInt8] {
    safetensors(Array(header.utf8), data: count, declaredLength: declaredLength)
}

func safetensors(_ header: [UInt8], data count: Int, declaredLength: UInt64? = nil) -> [UInt8] {
    let length = declaredLength ?? UInt64(header.count)
    return withUnsafeBytes(of: length.littleEndian, Array.init) + header
        + (0..<count).map { UInt8(truncatingIfNeeded: $0) }
}
