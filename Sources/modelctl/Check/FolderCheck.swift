import Configuration
import Glibc
import LinuxSystem
import Messages
import Topology
import Wire

/// Does with a version folder, once and without a server, what a server does before it serves it: packs each variant and
/// loads it, through the same worker program and the same conversation.
struct FolderCheck {
    private let workerExecutable: String
    private let environment: [String: String]
    private let threads: Int

    /// What a worker of a variant says when it is ready.
    struct Served: Sendable {
        let ready: FromWorker.Ready
        /// Of a variant of less precision than fp32.
        let quality: ModelQuality?
        /// The memory of a worker beside the weights, which all workers share, after the longest text that it takes; nil
        /// where the kernel does not say.
        let workerBytes: Int?
    }

    /// - Parameters:
    ///   - workerExecutable: nil: `modelworker` beside the running program.
    ///   - threads: of a worker; 0: as many as a server would give it.
    init(workerExecutable: String?, environment: [String: String], threads: Int) throws {
        self.workerExecutable = try workerExecutable ?? WorkerProgram.besideOwn()
        self.environment = WorkerProgram.environment(from: environment)
        self.threads = threads > 0 ? threads : min(4, try MachineTopology.current().allowed.count)
    }

    /// Packs and loads one variant of a version folder.
    ///
    /// - Throws: `CheckFailure` with the reason for which a server would refuse it.
    func load(_ folder: ModelFolder, variant: String, of configuration: ModelConfiguration) throws -> Served {
        let pack = try MemoryFile.create(name: "pack", size: 0)
        let key = try self.pack(folder, variant, configuration.quality, into: pack)
        let worker = try CheckedProcess(
            workerExecutable,
            arguments: ["--threads", "\(threads)"],
            environment: environment
        )
        let load = ToWorker.Load(
            modelDirectory: folder.path,
            name: "check",
            version: folder.version,
            variant: variant,
            maxBatchTokens: UInt32(clamping: configuration.policy.maxBatchTokens),
            threads: UInt32(threads),
            generation: 1,
            packKey: key,
            verifyPack: true
        )
        try worker.send(.load(load), with: pack.rawValue)
        while true {
            guard case .ready(let ready) = try worker.receive() else { continue }
            return Served(
                ready: ready,
                quality: ready.quality,
                workerBytes: try workingMemory(of: worker, ready)
            )
        }
    }

    /// - Returns: the pack's key.
    private func pack(
        _ folder: ModelFolder,
        _ variant: String,
        _ quality: QualityPolicy,
        into file: borrowing OwnedDescriptor
    ) throws -> String {
        let packer = try CheckedProcess(workerExecutable, arguments: ["--pack"], environment: environment)
        let request = ToWorker.Pack(
            modelDirectory: folder.path,
            variant: variant,
            calibrationFile: quality.calibrationFile ?? "",
            minCosine: quality.minCosine,
            minAgreement: quality.minAgreement
        )
        try packer.send(.pack(request), with: file.rawValue)
        var key = ""
        while true {
            switch try packer.receive() {
            case .packKey(let named):
                key = named.key
                try packer.send(.packProceed(ToWorker.PackProceed()))
            case .packDone: return key
            default: continue
            }
        }
    }

    /// Has the worker embed a text of as many tokens as the model takes, and measures it.
    private func workingMemory(of worker: CheckedProcess, _ ready: FromWorker.Ready) throws -> Int? {
        let text = String(repeating: "a ", count: Int(ready.maxTokens))
        let request = EmbedRequest(inputs: [TextInput(text: text)], truncation: .truncate)
        try worker.send(
            .prepare(ToWorker.Prepare(requestID: 1, method: InferenceMethod.embed.rawValue, payload: request.encode()))
        )
        try worker.send(.start(ToWorker.Start(batchID: 1, requestIDs: [1])))
        while true {
            guard case .batchDone = try worker.receive() else { continue }
            return worker.memory?.proportionalBytes.map { max(0, $0 - Int(ready.packBytes)) }
        }
    }
}
