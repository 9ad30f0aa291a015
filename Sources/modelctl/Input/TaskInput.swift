/// One input of a task: what the command line gives, or a line of a file.
struct TaskInput: Sendable {
    /// Where it comes from, for messages: `text 2`, `line 17`.
    var place: String
    /// What it says, or what is wrong with it.
    var line: Result<InputLine, InputError>

    /// What it is about, for people; empty when it could not be read.
    var label: String { (try? line.get().label) ?? "" }

    /// Reads a line of a file.
    init(line: [UInt8], number: Int) {
        place = "line \(number)"
        self.line = InputLine.parse(line)
    }

    init(_ line: InputLine, place: String) {
        self.place = place
        self.line = .success(line)
    }
}
