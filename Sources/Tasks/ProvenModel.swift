package import DistilBERT
package import ModelFiles
package import Tensors

/// A model that has shown on this machine that it computes what its checkpoint says, with the best instruction set that
/// does.
package struct ProvenModel {
    package let model: Model
    package let instructionSet: InstructionSet
    /// The better instruction sets, and what they compute wrongly.
    package let failures: [String]

    /// - Parameters:
    ///   - sets: to be tried in this order; at least one.
    ///   - progress: called again and again, before each product at the least.
    /// - Throws: `EngineError.proof`, which names every set and its fault, when none passes; what `progress` throws.
    package init(
        _ pack: PackFile,
        threads: Int,
        sets: [InstructionSet],
        extent: ModelProof.Extent,
        progress: () throws -> Void
    ) throws {
        var failures: [String] = []
        var stop: (any Error)?
        for set in sets {
            let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
            let model = try Model(pack: pack, team: team)
            do throws(EngineError) {
                try model.prove(extent) {
                    do { try progress() } catch { stop = error }
                    return stop == nil
                }
                (self.model, instructionSet, self.failures) = (model, set, failures)
                return
            } catch {
                if let stop { throw stop }
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
