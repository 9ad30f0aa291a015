/// An input or an option that is not as its task has it.
package struct FormError: Error, Sendable, CustomStringConvertible {
    /// One sentence that names the value by its way from the top: "`input.labels[1]` must be a string, and it is 7".
    package let description: String
    /// The same to people who wrote nothing but the input: "\"labels\" is not a list of strings".
    package let aboutInput: String

    package init(_ description: String, aboutInput: String? = nil) {
        self.description = description
        self.aboutInput = aboutInput ?? description
    }
}
