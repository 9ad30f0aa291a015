/// A way to make text stand out on a terminal.
package enum Style: String {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case blue = "34"
    case magenta = "35"
    case cyan = "36"
    case reversed = "7"

    /// The text in this style, or as it is where there are no colours.
    func callAsFunction(_ text: String) -> String {
        Console.hasColors && !text.isEmpty ? "\u{1B}[\(rawValue)m\(text)\u{1B}[0m" : text
    }

    /// The style of a state's name: of a server, a model or a worker.
    static func state(_ name: String) -> Style {
        switch name {
        case "READY": .green
        case "UNAVAILABLE", "FAILED", "NOT_SERVING": .red
        default: .yellow
        }
    }
}
