import CLinuxShims
import Glibc

extension UnixStream {
    /// The most descriptors that one message can carry.
    package static var descriptorsPerMessage: Int { linux_descriptors_per_message() }

    /// Writes bytes, at least one, with descriptors attached to the first byte. The caller keeps its own.
    ///
    /// When only some of the bytes were taken, the descriptors have left all the same; send the rest with ``write(_:)``.
    package borrowing func write(
        _ bytes: UnsafeRawBufferPointer,
        descriptors: [Int32]
    ) throws(SystemError) -> TransferResult {
        guard let start = bytes.baseAddress, bytes.count > 0 else {
            throw SystemError("send descriptors", EINVAL, hint: "Descriptors travel with at least one byte.")
        }
        guard descriptors.count <= Self.descriptorsPerMessage else {
            let limit = Self.descriptorsPerMessage
            throw SystemError("send descriptors", EINVAL, hint: "One message carries at most \(limit) descriptors.")
        }
        return try TransferResult.ofWrite("send descriptors") {
            descriptors.withUnsafeBufferPointer { list in
                withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1) { empty in
                    linux_send_descriptors(
                        rawValue,
                        start,
                        bytes.count,
                        list.baseAddress ?? UnsafePointer(empty.baseAddress!),
                        list.count
                    )
                }
            }
        }
    }

    /// Reads bytes and the descriptors that came with them.
    ///
    /// - Parameters:
    ///   - buffer: at least one byte.
    ///   - received: gains the descriptors, close-on-exec, in the order sent.
    ///   - maximum: how many descriptors to keep of one read; the others are closed and counted as discarded.
    package borrowing func read(
        into buffer: UnsafeMutableRawBufferPointer,
        descriptors received: inout ReceivedDescriptors,
        maximum: Int
    ) throws(SystemError) -> TransferResult {
        guard let start = buffer.baseAddress, buffer.count > 0 else { return .bytes(0) }
        let capacity = min(max(maximum, 0), Self.descriptorsPerMessage)
        var discarded = 0
        var numbers: [Int32] = []
        let result = try TransferResult.ofRead("receive descriptors", wanted: buffer.count) {
            var outcome = 0
            numbers = [Int32](unsafeUninitializedCapacity: capacity + 1) { list, count in
                outcome = linux_receive_descriptors(
                    rawValue,
                    start,
                    buffer.count,
                    list.baseAddress!,
                    capacity,
                    &count,
                    &discarded
                )
            }
            return outcome
        }
        received.add(numbers, discarded: discarded)
        return result
    }
}

/// Descriptors received from a peer, owned until they are taken; those that nobody takes are closed.
package struct ReceivedDescriptors: ~Copyable, Sendable {
    private var numbers: [Int32] = []
    /// How many unsolicited descriptors were closed on arrival.
    package private(set) var discarded = 0

    package init() {}

    deinit {
        for number in numbers { OwnedDescriptor(number).close() }
    }

    package var count: Int { numbers.count }

    /// Takes the oldest descriptor, or nil when there is none.
    package mutating func takeFirst() -> OwnedDescriptor? {
        numbers.isEmpty ? nil : OwnedDescriptor(numbers.removeFirst())
    }

    mutating func add(_ arrived: [Int32], discarded more: Int) {
        numbers += arrived
        discarded += more
    }
}
