import LinuxSystem
import TestSupport
import Testing

/// The proof that a training run begins with, in a program whose kernels have a fault.
@Suite(.timeLimit(.minutes(5)), .serialized) struct TrainingProofTests {
    private func prove(fault: String?) throws -> ModelServer.Run {
        let folder = try TemporaryFolder()
        return try ModelServer.modelctl(
            ["--prove-training"],
            socket: nil,
            folder: folder.path,
            program: "faultyworker",
            extra: ["DISTILLERY_ISA": "", "DISTILLERY_FAULT": fault ?? ""]
        )
    }

    @Test func kernelsWithoutAFaultAreProved() throws {
        let run = try prove(fault: nil)
        #expect(run.exit.isSuccess && run.output == "", "\(run.output)\(run.errors)")
    }

    /// Each fault, and how the operation is named that has it.
    @Test(arguments: [
        ("product", "fp32 product [420, 100] of training"),
        ("training-pack", "fp32 product [420, 100] of training, backward"),
        ("training-columns", "fp32 product [420, 100]'s gradient"),
        ("training-accumulate", "fp32 product [420, 100]'s gradient"),
        ("training-attention", "attention with dropout of training"),
        ("training-attention-keys", "gradient of attention by its keys"),
        ("training-norm", "gradient of LayerNorm by its rows"),
        ("training-norm-sums", "gradient of LayerNorm by its scale and shift"),
        ("training-slope", "gradient of gelu"),
        ("training-dropout", "dropout"),
        ("training-softmax", "log softmax"),
        ("training-adamw", "AdamW by its weights"),
    ]) func aFaultIsNamed(_ fault: String, _ operation: String) throws {
        let run = try prove(fault: fault)
        #expect(run.exit == .exited(1), "\(run.output)\(run.errors)")
        #expect(run.output.contains("'s \(operation) "), "\(run.output)")
    }
}
