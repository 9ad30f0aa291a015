import Glibc
import Worker

/// A worker without a model: the real program with an engine that does what the payloads and the model folder tell it to.
///
/// The folder holds `weights`, any text, which makes the pack and its key, and may hold `behaviour`, one of
/// `configuration-error`, `exit-at-load`, `never-ready`, `slow-load MILLISECONDS`, `long-load MILLISECONDS` (it says that it goes
/// on), `pack-error`, `pack-trouble`, `variant-error`, `hold-pack` (as long as it says so),
/// `attempt ATTEMPT` (what comes of it while it packs is added to the weights), or a fault. A variant other than fp32 has the weights
/// `WEIGHTS-VARIANT` and a quality.
///
/// A payload is a command in text: `echo TEXT`, `sleep MILLISECONDS`, `refuse`, `fail TEXT` (an error of the engine's own), a fault, and
/// `preparing COMMAND`, which does COMMAND while it is prepared, and `once FILE COMMAND`, which does COMMAND the first time and `echo` after that. `pid` answers with the process's number, `verifies`
/// with whether it was told to verify the pack. `Fault` lists the faults, `Escape` the
/// attempts, whose outcome is the answer.
@main
struct Program {
    static func main() { exit(WorkerProgram.run(CommandLine.arguments, FakeLoader())) }
}
