internal import Glibc

/// A map from byte strings to ids that is walked byte by byte: a double-array trie.
///
/// A node is the cell index `base ^ byte` of its parent's base and the byte that leads to it. Every node with children
/// has a base of its own, so a cell's label alone tells whose child it is. One step is one load.
///
/// The cells can be kept (`bytes`) and mapped: building them is most of what building a tokenizer takes.
package struct ByteTrie: Sendable {
    /// A cell: bits 0-27 the base of its children, 28-36 its label (256: empty), 37-63 its id + 1 (0: no string ends
    /// here). In blocks of 256.
    private nonisolated(unsafe) let cells: UnsafeBufferPointer<UInt64>
    /// What the cells lie in.
    private let owner: any AnyObject & Sendable

    /// The most strings and, with some slack, the most nodes that the packing of cells has room for.
    static let maximumCount = 1 << 26
    private static let emptyLabel: UInt64 = 256

    /// A trie of `keys`; the id is the index. When a key occurs twice, `keepFirst` says which index stays. Empty keys
    /// are left out.
    ///
    /// - Throws: when there are more than `maximumCount` strings or as many bytes.
    package init(_ keys: TokenList, keepFirst: Bool = false) throws(TokenizationError) {
        guard keys.count < Self.maximumCount, keys.bytes.count < Self.maximumCount else {
            throw TokenizationError(
                .invalidSpecification,
                "the vocabulary has \(keys.count) tokens of \(keys.bytes.count) bytes: \(Self.maximumCount) of each are "
                    + "supported"
            )
        }
        var builder = Builder(bytes: keys.bytes, starts: keys.starts.map(Int.init), keepFirst: keepFirst)
        let memory = Memory(builder.build())
        cells = UnsafeBufferPointer(memory.cells)
        owner = memory
    }

    /// A trie whose `bytes` lie in memory that `owner` keeps, aligned to 8; they are not copied.
    ///
    /// - Throws: when they are not those of a trie with ids below `idLimit`, as far as a walk could go astray.
    package init(
        bytes: UnsafeRawBufferPointer,
        owner: some AnyObject & Sendable,
        idLimit: Int
    ) throws(TokenizationError) {
        let cells = bytes.bindMemory(to: UInt64.self)
        let isSound =
            bytes.count >= 2 * Self.blockBytes && bytes.count.isMultiple(of: Self.blockBytes)
            && cells.allSatisfy { cell in
                Int(cell & 0xFFF_FFFF) | 0xFF < cells.count && Int(cell >> 37) <= idLimit
            }
            && cells.prefix(256).allSatisfy { $0 == Walker.dead }
        guard isSound else {
            throw TokenizationError(.invalidSpecification, "the compiled vocabulary is damaged")
        }
        self.cells = cells
        self.owner = owner
    }

    /// The cells, little-endian as in memory.
    package var bytes: [UInt8] { Array(UnsafeRawBufferPointer(cells)) }

    private static let blockBytes = 256 * MemoryLayout<UInt64>.stride

    /// Cells that were built here.
    private final class Memory: Sendable {
        nonisolated(unsafe) let cells: UnsafeMutableBufferPointer<UInt64>

        init(_ values: [UInt64]) {
            cells = .allocate(capacity: values.count)
            _ = cells.initialize(from: values)
        }

        deinit { cells.deallocate() }
    }

    /// Lends the trie for walking.
    func withWalker<R>(_ body: (Walker) -> R) -> R {
        withExtendedLifetime(owner) { body(Walker(cells: cells.baseAddress!)) }
    }

    /// The id of exactly this string.
    func id(of key: some Sequence<UInt8>) -> Int32? {
        withWalker { walker in
            var node = Walker.root
            for byte in key {
                node = walker.child(of: node, byte)
                if node == Walker.dead { return nil }
            }
            let id = walker.id(at: node)
            return id < 0 ? nil : id
        }
    }

    /// Walks the trie; valid while it is lent. A node is the content of its cell.
    struct Walker {
        private let cells: UnsafePointer<UInt64>

        fileprivate init(cells: UnsafePointer<UInt64>) { self.cells = cells }

        /// The node of the empty string: its children lie in the second block.
        static let root: UInt64 = 256 | ByteTrie.emptyLabel << 28
        /// No such string. Its base, 0, leads to a block of empty cells only, so it stays dead.
        static let dead: UInt64 = ByteTrie.emptyLabel << 28

        /// The node one byte further, or `dead`.
        @inline(__always)
        func child(of node: UInt64, _ byte: UInt8) -> UInt64 {
            let cell = cells[Int(node & 0xFFF_FFFF) ^ Int(byte)]
            return cell >> 28 & 0x1FF == UInt64(byte) ? cell : Self.dead
        }

        /// The id of the string that ends here, or -1.
        @inline(__always)
        func id(at node: UInt64) -> Int32 { Int32(truncatingIfNeeded: node >> 37) &- 1 }
    }

    /// Places nodes into cells.
    private struct Builder {
        let bytes: [UInt8]
        let starts: [Int]
        let keepFirst: Bool
        var cells: [UInt64] = []
        /// A bit for each cell, set while it is free.
        var free: [UInt64] = []
        /// A bit for each base, set once it is taken.
        var used: [UInt64] = []
        /// The number of free cells of each block of 256.
        var freeInBlock: [Int] = []

        /// A range of the sorted keys that share their first `depth` bytes, and the cell they hang from.
        struct Pending {
            var keys: Range<Int>
            var depth: Int
            var cell: Int?
        }

        init(bytes: [UInt8], starts: [Int], keepFirst: Bool) {
            self.bytes = bytes
            self.starts = starts
            self.keepFirst = keepFirst
        }

        mutating func build() -> [UInt64] {
            grow()
            grow()
            take(base: 0)
            let order = sortedKeys()
            var stack = [Pending(keys: 0..<order.count, depth: 0, cell: nil)]
            var labels: [UInt8] = []
            var ends: [Int] = []
            while let node = stack.popLast() {
                let end = node.keys.upperBound
                var index = node.keys.lowerBound
                while index < end, length(order[index]) == node.depth { index += 1 }
                if let cell = node.cell, index > node.keys.lowerBound {
                    let id = keepFirst ? order[node.keys.lowerBound] : order[index - 1]
                    cells[cell] |= UInt64(id + 1) << 37
                }
                guard index < end else { continue }
                var first = index
                labels.removeAll(keepingCapacity: true)
                ends.removeAll(keepingCapacity: true)
                while index < end {
                    let byte = bytes[starts[order[index]] + node.depth]
                    repeat { index += 1 } while index < end && bytes[starts[order[index]] + node.depth] == byte
                    labels.append(byte)
                    ends.append(index)
                }
                let base = node.cell == nil ? 256 : place(labels)
                take(base: base)
                if let cell = node.cell { cells[cell] |= UInt64(base) }
                for child in labels.indices {
                    let cell = base ^ Int(labels[child])
                    cells[cell] = UInt64(labels[child]) << 28
                    free[cell >> 6] &= ~(1 << UInt64(cell & 63))
                    freeInBlock[cell >> 8] -= 1
                    stack.append(Pending(keys: first..<ends[child], depth: node.depth + 1, cell: cell))
                    first = ends[child]
                }
            }
            return cells
        }

        func length(_ key: Int) -> Int { starts[key + 1] - starts[key] }

        /// Key indices in the order of their bytes, equal keys in the order given. Most keys differ in their first eight
        /// bytes, which are compared as one number.
        func sortedKeys() -> [Int] {
            bytes.withUnsafeBufferPointer { bytes in
                let keys = (0..<starts.count - 1).map { key in
                    var prefix: UInt64 = 0
                    for offset in 0..<8 {
                        prefix = prefix << 8 | (offset < length(key) ? UInt64(bytes[starts[key] + offset]) : 0)
                    }
                    return (prefix: prefix, key: key)
                }
                let sorted = keys.sorted { left, right in
                    if left.prefix != right.prefix { return left.prefix < right.prefix }
                    let shorter = min(length(left.key), length(right.key))
                    let order =
                        shorter == 0
                        ? 0
                        : memcmp(bytes.baseAddress! + starts[left.key], bytes.baseAddress! + starts[right.key], shorter)
                    if order != 0 { return order < 0 }
                    return (length(left.key), left.key) < (length(right.key), right.key)
                }
                return sorted.map(\.key)
            }
        }

        mutating func grow() {
            cells += repeatElement(ByteTrie.emptyLabel << 28, count: 256)
            free += repeatElement(.max, count: 4)
            used += repeatElement(0, count: 4)
            freeInBlock.append(256)
        }

        mutating func take(base: Int) { used[base >> 6] |= 1 << UInt64(base & 63) }

        /// A base under which every label finds a free cell. Looks at the last four blocks only, which bounds the time.
        mutating func place(_ labels: [UInt8]) -> Int {
            let found = free.withUnsafeBufferPointer { free in
                used.withUnsafeBufferPointer { used in
                    for block in max(1, freeInBlock.count - 4)..<freeInBlock.count
                    where freeInBlock[block] >= labels.count {
                        for word in block << 2..<(block + 1) << 2 {
                            var candidates = free[word]
                            while candidates != 0 {
                                let base = (word << 6 | candidates.trailingZeroBitCount) ^ Int(labels[0])
                                candidates &= candidates - 1
                                if !Self.has(used, base), labels.allSatisfy({ Self.has(free, base ^ Int($0)) }) {
                                    return base
                                }
                            }
                        }
                    }
                    return -1
                }
            }
            if found >= 0 { return found }
            grow()
            return (freeInBlock.count - 1) << 8
        }

        private static func has(_ bits: UnsafeBufferPointer<UInt64>, _ index: Int) -> Bool {
            bits[index >> 6] >> UInt64(index & 63) & 1 != 0
        }
    }
}
