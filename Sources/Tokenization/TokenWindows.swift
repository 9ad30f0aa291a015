/// The windows of a text, or of a pair of texts, that was tokenised.
package struct TokenWindows {
    package let count: Int
    /// Of all windows together, special tokens included.
    package let tokens: Int
    /// Of the longest one.
    package let longest: Int
    private let make: () -> [Encoding]

    /// - Parameter lengths: each one's tokens, at least one window.
    init(_ lengths: [Int], make: @escaping () -> [Encoding]) {
        count = lengths.count
        tokens = lengths.reduce(0, +)
        longest = lengths.reduce(0, max)
        self.make = make
    }

    /// Makes them.
    package func encodings() -> [Encoding] { make() }
}
