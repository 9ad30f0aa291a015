/// Why a tokenizer could not be built or a text could not be encoded.
package struct TokenizationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What kind of failure it is.
    package struct Code: Sendable, Hashable {
        private enum Value { case invalidSpecification, missingToken, lengthTooShort, strideTooLong, secondTextMissing }
        private let value: Value

        /// The specification contradicts itself or leaves the supported range.
        package static let invalidSpecification = Code(value: .invalidSpecification)
        /// A token that the specification relies on is neither in the vocabulary nor among the added tokens.
        package static let missingToken = Code(value: .missingToken)
        /// The length limit leaves no room for the special tokens, or for a text that must not be truncated.
        package static let lengthTooShort = Code(value: .lengthTooShort)
        /// The stride of overlapping windows is not less than the number of tokens in a window.
        package static let strideTooLong = Code(value: .strideTooLong)
        /// Truncation was asked for the second text of a pair, and there is none.
        package static let secondTextMissing = Code(value: .secondTextMissing)
    }

    package let code: Code
    /// One sentence that names the value at fault and what to do.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
