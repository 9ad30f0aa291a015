/// A string compared by its bytes.
///
/// Swift compares strings by canonical equivalence, so a precomposed "é" equals "e" with a combining accent. Keys of JSON
/// objects, tensor names and vocabulary entries are different when their bytes are.
struct ExactString: Hashable, Sendable {
    let string: String

    init(_ string: String) {
        self.string = string
    }

    static func == (left: ExactString, right: ExactString) -> Bool {
        left.string.utf8.elementsEqual(right.string.utf8)
    }

    func hash(into hasher: inout Hasher) {
        var text = string
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
