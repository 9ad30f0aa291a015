internal import CKernels

/// How a checkpoint stores numbers.
package enum StorageType: Sendable {
    case float32, float16, bfloat16

    package var byteCount: Int { self == .float32 ? 4 : 2 }
}

/// Widens `count` stored values to float32, exactly. The source need not be aligned.
package func widen(
    _ source: UnsafeRawPointer, _ type: StorageType, count: Int, to destination: UnsafeMutablePointer<Float>
) {
    switch type {
    case .float32: UnsafeMutableRawPointer(destination).copyMemory(from: source, byteCount: count * 4)
    case .float16: ck_f16_to_f32(source.assumingMemoryBound(to: UInt16.self), count, destination)
    case .bfloat16: ck_bf16_to_f32(source.assumingMemoryBound(to: UInt16.self), count, destination)
    }
}

/// XXH64 of some bytes, for recognising content, not for defending against an adversary.
package func contentHash(_ bytes: UnsafeRawBufferPointer, seed: UInt64 = 0) -> UInt64 {
    ck_xxh64(bytes.baseAddress, bytes.count, seed)
}
