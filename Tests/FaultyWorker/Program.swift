import FaultyKernels
import Glibc
import Tensors
import Worker

// modelworker with a fault planted in its kernels or its packer: what DISTILLERY_FAULT names. With `--prove-training` the
// start of a training run with such kernels: the proof of one's shapes alone.

@main enum Program {
    static func main() {
        if CommandLine.arguments.dropFirst().first == "--faults" {
            print(String(cString: faulty_kernels_faults))
            return
        }
        if CommandLine.arguments.dropFirst().first == "--prove-training" { exit(proveTraining()) }
        exit(WorkerProgram.run(CommandLine.arguments))
    }

    /// 0 where the best set of this CPU is proved; 1, and on the output why not, where it is not.
    private static func proveTraining() -> Int32 {
        do {
            let team = try ComputeTeam(cpus: [nil, nil], instructionSet: .best)
            try KernelProof(team).proveTraining(hidden: 100, intermediate: 420, heads: 4)
            return 0
        } catch {
            print(error)
            return 1
        }
    }
}
