internal import Glibc

/// Strings by index, their UTF-8 in one piece. A vocabulary of 30,000 tokens is two arrays instead of as many strings, whose
/// making takes ten milliseconds; few of them are ever asked for.
package struct TokenList: Sendable, Equatable, RandomAccessCollection, ExpressibleByArrayLiteral {
    /// The strings' UTF-8, one after the other.
    private(set) var bytes: [UInt8] = []
    /// Where each begins in `bytes`, and one end.
    private(set) var starts: [UInt32] = [0]

    package init(_ strings: some Sequence<String>) {
        for string in strings { append(string.utf8) }
    }

    package init(arrayLiteral elements: String...) { self.init(elements) }

    package init() {}

    /// - Parameters:
    ///   - starts: ascending from 0 to the number of bytes.
    init?(bytes: [UInt8], starts: [UInt32]) {
        guard starts.first == 0, starts.last.map(Int.init) == bytes.count else { return nil }
        for index in starts.indices.dropFirst() where starts[index] < starts[index - 1] { return nil }
        self.bytes = bytes
        self.starts = starts
    }

    /// Adds a string by its UTF-8. All of a list have less than 2³² bytes.
    package mutating func append(_ utf8: some Sequence<UInt8>) {
        bytes.append(contentsOf: utf8)
        starts.append(UInt32(bytes.count))
    }

    package var startIndex: Int { 0 }
    package var endIndex: Int { starts.count - 1 }
    package subscript(index: Int) -> String { String(decoding: bytes[range(index)], as: UTF8.self) }

    /// The last index of exactly these bytes; canonically equivalent strings are different ones.
    package func lastIndex(ofExactly string: String) -> Int? {
        var string = string
        return string.withUTF8 { wanted in
            bytes.withUnsafeBufferPointer { bytes in
                starts.withUnsafeBufferPointer { starts in
                    var index = starts.count - 2
                    while index >= 0 {
                        let start = Int(starts[index])
                        if Int(starts[index + 1]) - start == wanted.count,
                            wanted.isEmpty || memcmp(bytes.baseAddress! + start, wanted.baseAddress!, wanted.count) == 0
                        {
                            return index
                        }
                        index -= 1
                    }
                    return nil
                }
            }
        }
    }

    private func range(_ index: Int) -> Range<Int> { Int(starts[index])..<Int(starts[index + 1]) }
}
