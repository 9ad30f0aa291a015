package import ModelFiles
package import Tensors

/// Why the engine did not load a model or compute a batch.
package enum EngineError: Error, CustomStringConvertible {
    /// The model's files are at fault; trying again changes nothing.
    case files(ModelFilesError)
    /// The pack does not fit the software that reads it; it must be made again.
    case pack(String)
    /// The batch is at fault.
    case input(String)
    /// The machine is: an instruction set, memory, threads.
    case tensors(TensorError)
    /// What was computed is not what the checkpoint says.
    case proof(ProofFailure)

    init(_ error: any Error) {
        switch error {
        case let error as EngineError: self = error
        case let error as ModelFilesError:
            self = error.code == .malformedPack ? .pack(error.description) : .files(error)
        case let error as TensorError: self = .tensors(error)
        case let error as ProofFailure: self = .proof(error)
        default: self = .pack("\(error)")
        }
    }

    package var description: String {
        switch self {
        case .files(let error): error.description
        case .pack(let reason), .input(let reason): reason
        case .tensors(let error): error.description
        case .proof(let failure): failure.description
        }
    }
}
