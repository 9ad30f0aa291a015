import Messages
import ModelFiles

// What requests leave to the task: proto3's zeros, read as what a task does when nothing is said.

extension UInt32 {
    /// The number, or nil where the caller leaves it to the task.
    var given: Int? { self == 0 ? nil : Int(self) }
}

extension Truncation {
    /// What the caller says, or else what the task does.
    func or(_ usual: Truncation) -> Truncation { self == .default ? usual : self }

    /// For the tasks that have no windows.
    func refuseWindows() throws(TaskError) {
        guard self != .windows else {
            throw .invalid("truncation", "windows are for classify and tag; this task takes error or truncate")
        }
    }
}

extension FunctionToApply {
    /// What makes scores of logits; nil where the caller leaves it to the task.
    var activation: ModuleActivation? {
        switch self {
        case .default: nil
        case .none: .identity
        case .sigmoid: .sigmoid
        case .softmax: .softmax
        }
    }
}

extension TextInput {
    /// The text as the pipelines of `transformers` take it: an empty second text is none.
    var withoutEmptyPair: TextInput { textPair.isEmpty ? TextInput(text) : self }
}
