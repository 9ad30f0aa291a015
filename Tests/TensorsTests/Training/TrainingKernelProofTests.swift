import Tensors
import Testing

@Suite struct TrainingKernelProofTests {
    /// At the shapes of MiniLM, and at odd ones. Tests/ProcessTests shows what is not proved.
    @Test(arguments: InstructionSet.allCases.filter(\.isSupported), [(384, 1536, 12), (99, 205, 3)])
    func theKernelsOfEverySetAreProved(_ set: InstructionSet, _ shape: (Int, Int, Int)) throws {
        let (hidden, intermediate, heads) = shape
        let team = try ComputeTeam(cpus: [nil, nil], instructionSet: set)
        try KernelProof(team).proveTraining(hidden: hidden, intermediate: intermediate, heads: heads)
    }
}
