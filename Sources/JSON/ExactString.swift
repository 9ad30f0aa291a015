/// A string compared by its bytes.
///
/// Swift compares strings by canonical equivalence, so a precomposed "é" equals "e" with a combining accent. Keys of JSON
/// objects, tensor names and vocabulary entries are different when their bytes are.
package struct ExactString: Hashable, Sendable {
    package let string: String

    package init(_ string: String) {
        self.string = string
    }

    package static func == (left: ExactString, right: ExactString) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    package func hash(into hasher: inout Hasher) {
        var text = string
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
