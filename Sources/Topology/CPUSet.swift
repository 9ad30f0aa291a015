/// A set of CPU (or node) numbers, written the kernel's way: "0-3,8".
package struct CPUSet: Hashable, Sendable {
    /// The largest number a set can hold; the kernel supports 8192 CPUs.
    package static let largestNumber = 8191

    /// Bit `n % 64` of word `n / 64` stands for number `n`; the last word is never zero.
    private(set) var words: [UInt64] = []

    package init() {}

    /// - Precondition: the numbers lie within 0 to ``largestNumber``.
    package init(_ numbers: some Sequence<Int>) {
        for number in numbers { insert(number) }
    }

    init(words: [UInt64]) {
        self.words = words
        trim()
    }

    package var isEmpty: Bool { words.isEmpty }
    package var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

    package func contains(_ number: Int) -> Bool {
        number >= 0 && number / 64 < words.count && words[number / 64] & (1 << UInt64(number % 64)) != 0
    }

    package mutating func insert(_ number: Int) {
        precondition((0...Self.largestNumber).contains(number), "CPU number \(number)")
        while words.count <= number / 64 { words.append(0) }
        words[number / 64] |= 1 << UInt64(number % 64)
    }

    package func intersection(_ other: CPUSet) -> CPUSet {
        CPUSet(words: zip(words, other.words).map { $0 & $1 })
    }

    package func union(_ other: CPUSet) -> CPUSet {
        var result = words.count >= other.words.count ? self : other
        let shorter = words.count >= other.words.count ? other : self
        for (index, word) in shorter.words.enumerated() { result.words[index] |= word }
        return result
    }

    package func subtracting(_ other: CPUSet) -> CPUSet {
        CPUSet(words: words.enumerated().map { $1 & ~($0 < other.words.count ? other.words[$0] : 0) })
    }

    package func isSubset(of other: CPUSet) -> Bool { subtracting(other).isEmpty }

    private mutating func trim() {
        while words.last == 0 { words.removeLast() }
    }
}

extension CPUSet: Sequence {
    /// The numbers in ascending order.
    package func makeIterator() -> some IteratorProtocol<Int> {
        words.enumerated().lazy.flatMap { index, word in
            (0..<64).lazy.filter { word & (1 << UInt64($0)) != 0 }.map { index * 64 + $0 }
        }.makeIterator()
    }
}

extension CPUSet: ExpressibleByArrayLiteral {
    package init(arrayLiteral numbers: Int...) { self.init(numbers) }
}

// MARK: - Text

extension CPUSet: CustomStringConvertible {
    /// Reads a list such as "0-3,8" or "0-14:2" (every second). Spaces around numbers are allowed, and the empty text is
    /// the empty set.
    package init(parsing text: some StringProtocol) throws(TopologyError) {
        let whole = String(text)
        if whole.allSatisfy({ $0 == " " || $0 == "\n" }) { return }
        for item in whole.split(separator: ",", omittingEmptySubsequences: false) {
            guard let range = Self.range(item) else { throw .notACPUList(text: whole, item: String(item)) }
            for number in range { insert(number) }
        }
    }

    private static func range(_ item: Substring) -> StrideThrough<Int>? {
        let strided = item.split(separator: ":", omittingEmptySubsequences: false)
        let ends = strided[0].split(separator: "-", omittingEmptySubsequences: false).map(number)
        guard strided.count <= 2, ends.count <= 2, strided.count == 1 || ends.count == 2 else { return nil }
        guard let first = ends[0], let last = ends[ends.count - 1] else { return nil }
        let step = strided.count == 2 ? number(strided[1]) : 1
        guard let step, step > 0, first <= last else { return nil }
        return stride(from: first, through: last, by: step)
    }

    private static func number(_ text: Substring) -> Int? {
        let digits = text.drop { $0 == " " || $0 == "\n" }
        let end = digits.firstIndex { $0 == " " || $0 == "\n" } ?? digits.endIndex
        guard digits[end...].allSatisfy({ $0 == " " || $0 == "\n" }), digits[..<end].allSatisfy(\.isASCII),
            digits.first?.isNumber == true, let value = Int(digits[..<end]), value <= largestNumber
        else { return nil }
        return value
    }

    /// "0-3,8"; empty for the empty set.
    package var description: String {
        var runs: [(first: Int, last: Int)] = []
        for number in self {
            if let run = runs.last, run.last + 1 == number {
                runs[runs.count - 1].last = number
            } else {
                runs.append((number, number))
            }
        }
        return runs.map { $0.first == $0.last ? "\($0.first)" : "\($0.first)-\($0.last)" }.joined(separator: ",")
    }
}
