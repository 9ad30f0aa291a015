extension TextInput {
    package init(_ text: String, pair: String? = nil) {
        self.init(text: text, textPair: pair ?? "", hasPair: pair != nil)
    }

    /// The second text, if there is one.
    package var pair: String? { hasPair ? textPair : nil }
}
