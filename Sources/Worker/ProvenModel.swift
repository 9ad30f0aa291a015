import DistilBERT
import ModelFiles
import Tasks
import Tensors

/// A model that has shown on this machine that it computes what its checkpoint says, with the best instruction set that
/// does.
struct ProvenModel {
    let model: Model
    let instructionSet: InstructionSet
    /// The better instruction sets, and what they compute wrongly.
    let failures: [String]

    /// - Parameter sets: to be tried in this order; at least one.
    /// - Throws: `EngineError.proof`, which names every set and its fault, when none passes.
    init(
        _ pack: PackFile,
        threads: Int,
        sets: [InstructionSet],
        extent: ModelProof.Extent
    ) throws {
        var failures: [String] = []
        for set in sets {
            let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
            let model = try Model(pack: pack, team: team)
            do throws(EngineError) {
                try model.prove(extent)
                (self.model, instructionSet, self.failures) = (model, set, failures)
                return
            } catch {
                guard case .proof(let failure) = error else { throw error }
                failures.append(failure.description)
            }
        }
        throw EngineError.proof(
            ProofFailure(
                "the model does not compute what its checkpoint says: \(failures.joined(separator: "; ")). Either this CPU "
                    + "computes wrongly with these instruction sets, or the software is at fault; please report it"
            )
        )
    }
}
