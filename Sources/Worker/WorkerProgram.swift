import DistilBERT
import Glibc
import LinuxSystem
import Messages
import ModelFiles
import Tasks
import Tensors
import Topology
import Wire

/// The `modelworker` program: one model on one slot, or the packing of one checkpoint, for the `modeld` that started it.
///
/// It has one thread for everything but the compute helpers: frames, tokenising and leading the compute team. While a
/// batch computes, the channel is looked at between layers, so nothing waits for a thread to be woken.
package enum WorkerProgram {
    /// Exit statuses, of sysexits.h where there is a fitting one.
    enum Exit {
        static let done: Int32 = 0
        static let usage: Int32 = 64
        static let failed: Int32 = 70
        /// The model's files are at fault: starting again changes nothing.
        static let configuration: Int32 = 78
    }

    /// Runs until the supervisor says drain or goes away. Returns the exit status.
    package static func run(_ commandLine: [String]) -> Int32 {
        do throws(Arguments.Unusable) {
            let arguments = try Arguments(commandLine)
            do {
                return try run(arguments)
            } catch is Channel.Closed {
                return Exit.done
            } catch let failure as Failure {
                return failure.kind == .configuration ? Exit.configuration : Exit.failed
            } catch {
                print(error)
                return Exit.failed
            }
        } catch {
            print(error)
            return Exit.usage
        }
    }

    private static func print(_ error: any Error) {
        let line = Array("modelworker: \(error)\n".utf8)
        _ = line.withUnsafeBytes { write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    private static func run(_ arguments: Arguments) throws -> Int32 {
        if let parent = arguments.parent, try !ProcessSelf.dieWithParent(parent) { return Exit.done }
        try ProcessSelf.ignoreWriteSignals()
        try ProcessSelf.forbidNewPrivileges()
        var warnings: [String] = []
        if let cpus = arguments.cpus {
            warnings += Placement.apply(Slot(id: 0, node: arguments.node ?? 0, cpus: cpus))
        }
        var channel = try Channel(descriptor: arguments.channel)
        try channel.send(
            .hello(
                FromWorker.Hello(
                    protocolVersion: WireProtocol.version,
                    softwareVersion: WireProtocol.softwareVersion,
                    pid: ProcessSelf.processID,
                    warnings: warnings
                )
            )
        )
        switch arguments.mode {
        case .pack: try PackingProgram.run(&channel)
        case .serve:
            var server = try load(&channel, arguments)
            try server.run(&channel)
        }
        return Exit.done
    }

    /// Something that the supervisor was told about and that ends the process.
    struct Failure: Error {
        let kind: FailureKind
    }

    /// Tells the supervisor why this process cannot go on.
    static func fail(_ channel: inout Channel, _ error: any Error) throws -> Failure {
        let kind: FailureKind =
            switch error {
            case EngineError.files(let error): Self.kind(error)
            case EngineError.proof: .configuration
            case EngineError.pack: .pack
            case EngineError.tensors(.resource), TensorError.resource: .resource
            case let error as ModelFilesError: Self.kind(error)
            case is EngineError, is TaskError, is TensorError, is ExpectedAnswersError: .configuration
            default: .internal
            }
        try channel.send(.failed(FromWorker.Failed(kind: kind, message: "\(error)")))
        return Failure(kind: kind)
    }

    private static func kind(_ error: ModelFilesError) -> FailureKind {
        switch error.code {
        case .unreadableFile: .resource
        case .malformedPack: .pack
        default: .configuration
        }
    }

    // MARK: - Loading

    private static func load(_ channel: inout Channel, _ arguments: Arguments) throws -> WorkerServer {
        guard case .load(let request) = try channel.receive(), let file = channel.takeDescriptor() else {
            throw WireError(.malformed, "expected Load with a descriptor")
        }
        let start = MonotonicClock.now
        do {
            let pack = try PackFile(descriptor: file.rawValue)
            guard pack.key == request.packKey else {
                throw EngineError.pack("the pack has the key \(pack.key), expected \(request.packKey)")
            }
            guard !request.verifyPack || pack.verify() else {
                throw EngineError.pack("the pack's bytes are not those that were written")
            }
            let proven = try ProvenModel(
                pack,
                threads: arguments.threads,
                sets: try instructionSets(request.instructionSet),
                extent: request.verifyPack ? .full : .short,
                progress: { try channel.sign() }
            )
            let model = proven.model
            let quality = try quality(of: pack, with: proven.instructionSet)
            let expected =
                request.verifyPack
                ? try ExpectedAnswers.compare(
                    folder: request.modelDirectory,
                    with: model,
                    isExact: request.variant == WeightFormat.float32.rawValue,
                    progress: { try channel.sign() }
                ) : 0
            try channel.send(
                .ready(
                    FromWorker.Ready(
                        tasks: model.tasks.map(\.task),
                        maxTokens: UInt32(model.maxTokens),
                        architecture: model.configuration.architecture,
                        packBytes: UInt64(pack.byteCount),
                        instructionSet: proven.instructionSet.rawValue,
                        loadMicroseconds: UInt64((MonotonicClock.now - start) / 1_000),
                        numa: "shared",
                        quality: quality,
                        failedProofs: proven.failures,
                        family: model.configuration.family.rawValue,
                        labels: model.labels,
                        expectedAnswers: UInt32(clamping: expected)
                    )
                )
            )
            return WorkerServer(model: model, maxStepTokens: max(1, Int(request.maxBatchTokens)))
        } catch EngineError.proof(let failure) where !request.verifyPack {
            // Another worker has shown here that the pack and the kernels are right: something passing, so it is tried again.
            try channel.send(.failed(FromWorker.Failed(kind: .internal, message: failure.description)))
            throw Failure(kind: .internal)
        } catch let error where isReported(error) {
            throw try fail(&channel, error)
        }
    }

    /// What a variant keeps of fp32, as it was packed, which holds for the arithmetic that it was measured with. The pack's key
    /// tells machines apart by their best set; where that fails its proof, here or where the pack comes from, the quality is
    /// that of another one.
    private static func quality(of pack: PackFile, with set: InstructionSet) throws(EngineError) -> ModelQuality? {
        guard let note = pack.note(PackingProgram.qualityNote) else { return nil }
        guard let quality = try? ModelQuality.decode(note) else { throw .pack("the pack's quality cannot be read") }
        let measured = quality.instructionSet
        guard InstructionSet(rawValue: measured)?.roundsActivations != set.roundsActivations else { return quality }
        throw .pack("the pack's quality was measured with '\(measured)', which rounds otherwise than \(set.rawValue)")
    }

    /// Whether an error is about the model, and not about the channel to the supervisor.
    static func isReported(_ error: any Error) -> Bool {
        error is EngineError || error is ModelFilesError || error is TaskError || error is TensorError
            || error is ExpectedAnswersError
    }

    /// The instruction sets to try, in order: the one that the environment demands alone, or else `proven` alone, which
    /// another worker was proven with, or else all that this CPU has, from the best to plain C.
    static func instructionSets(_ proven: String = "") throws(EngineError) -> [InstructionSet] {
        do throws(TensorError) {
            if let set = try InstructionSet.demanded() ?? InstructionSet(rawValue: proven) { return [set] }
        } catch {
            throw .tensors(error)
        }
        return InstructionSet.bestFirst
    }
}
