import FaultyKernels
import Glibc
import Worker

// modelworker with a fault planted in its kernels or its packer: what DISTILLERY_FAULT names.

@main enum Program {
    static func main() {
        if CommandLine.arguments.dropFirst().first == "--faults" {
            print(String(cString: faulty_kernels_faults))
            return
        }
        exit(WorkerProgram.run(CommandLine.arguments))
    }
}
