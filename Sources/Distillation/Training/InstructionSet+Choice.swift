import Tensors

extension InstructionSet {
    /// What everything here is computed with: the set that the environment demands, or else the CPU's best.
    static func chosen() throws(DistillationError) -> InstructionSet {
        do throws(TensorError) {
            return try demanded() ?? best
        } catch {
            throw .usage("\(error)")
        }
    }
}

func computeTeam(threads: Int) throws(DistillationError) -> ComputeTeam {
    let set = try InstructionSet.chosen()
    do throws(TensorError) {
        return try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
    } catch {
        throw .failed("\(error)")
    }
}
