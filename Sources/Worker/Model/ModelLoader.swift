import DistilBERT
package import LinuxSystem
package import Messages
import ModelFiles
import Tasks
import Tensors
import Wire

/// The loader of `modelworker`: models that are proved before they serve, and packs that are measured.
package struct ModelLoader: EngineLoader {
    package init() {}

    package func load(
        _ request: ToWorker.Load,
        pack file: borrowing OwnedDescriptor,
        threads: Int,
        progress: () throws -> Void
    ) throws -> (engine: ModelEngine, ready: FromWorker.Ready) {
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
                threads: threads,
                sets: try Self.instructionSets(request.instructionSet),
                extent: request.verifyPack ? .full : .short,
                progress: progress
            )
            let model = proven.model
            let quality = try quality(of: pack, with: proven.instructionSet)
            var expected = 0
            if request.verifyPack {
                // The file has the numbers of fp32. Of a variant only `tokenize` is compared, which has no precision; what its
                // numbers may lose, the floors of its quality say.
                let isExact = request.variant == WeightFormat.float32.rawValue
                let tasks = isExact ? Set(InferenceMethod.allCases) : [.tokenize]
                let answers = try ExpectedAnswers(folder: request.modelDirectory)
                expected = try answers?.compare(with: model, tasks: tasks, progress: progress) ?? 0
            }
            let ready = FromWorker.Ready(
                tasks: model.tasks.map(\.task),
                maxTokens: UInt32(model.maxTokens),
                architecture: model.configuration.architecture,
                packBytes: UInt64(pack.byteCount),
                instructionSet: proven.instructionSet.rawValue,
                quality: quality,
                failedProofs: proven.failures,
                family: model.configuration.family.rawValue,
                labels: model.labels,
                expectedAnswers: UInt32(clamping: expected)
            )
            let limits = WorkLimits(
                tokens: request.maxRequestTokens > 0 ? Int(clamping: request.maxRequestTokens) : .max,
                sequences: request.maxRequestSequences > 0 ? Int(request.maxRequestSequences) : .max
            )
            let stepTokens = max(1, Int(request.maxBatchTokens))
            return (ModelEngine(model: model, maxStepTokens: stepTokens, limits: limits), ready)
        } catch {
            let explained = Self.explained(error)
            guard !request.verifyPack, explained is LoadFailure else { throw explained }
            // Another worker has shown here that the pack and the kernels are right. So the file was written to since; or
            // it is something passing, and is tried again.
            guard let pack = try? PackFile(descriptor: file.rawValue), pack.verify() else {
                throw LoadFailure(.pack, "the pack's bytes are no longer those that were written")
            }
            if case EngineError.proof(let failure) = error { throw LoadFailure(.internal, failure.description) }
            throw explained
        }
    }

    /// What a variant keeps of fp32, as it was packed, which holds for the arithmetic that it was measured with. The pack's key
    /// tells machines apart by their best set; where that fails its proof, here or where the pack comes from, the quality is
    /// that of another one.
    private func quality(of pack: PackFile, with set: InstructionSet) throws(EngineError) -> ModelQuality? {
        guard let note = pack.note(Self.qualityNote) else { return nil }
        guard let quality = try? ModelQuality.decode(note) else { throw .pack("the pack's quality cannot be read") }
        let measured = quality.instructionSet
        guard InstructionSet(rawValue: measured)?.roundsActivations != set.roundsActivations else { return quality }
        throw .pack("the pack's quality was measured with '\(measured)', which rounds otherwise than \(set.rawValue)")
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

    /// An error of the model as the supervisor is told it; one of the channel as it is.
    static func explained(_ error: any Error) -> any Error {
        let kind: FailureKind
        switch error {
        case EngineError.files(let error): kind = Self.kind(error)
        case let error as ModelFilesError: kind = Self.kind(error)
        case EngineError.pack: kind = .pack
        case EngineError.tensors(.resource), TensorError.resource: kind = .resource
        case is EngineError, is TaskError, is TensorError, is ExpectedAnswersError: kind = .configuration
        default: return error
        }
        return LoadFailure(kind, "\(error)")
    }

    private static func kind(_ error: ModelFilesError) -> FailureKind {
        switch error.code {
        case .unreadableFile: .resource
        case .malformedPack: .pack
        default: .configuration
        }
    }
}

extension WorkerProgram {
    /// Runs `modelworker`.
    package static func run(_ commandLine: [String]) -> Int32 { run(commandLine, ModelLoader()) }
}
