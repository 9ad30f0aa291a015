import Glibc
import Worker

@main
struct Program {
    static func main() {
        exit(WorkerProgram.run(CommandLine.arguments))
    }
}
