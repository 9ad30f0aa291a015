import Glibc
package import LinuxSystem
import Messages
import Time
import Topology
import Wire

/// A worker process: one engine on one slot, or the packing of one checkpoint, for the `modeld` that started it.
///
/// It has one thread for everything but the compute helpers: frames, tokenising and leading the compute team. While a
/// batch computes, the channel is looked at between layers, so nothing waits for a thread to be woken.
package enum WorkerProgram {
    /// Exit statuses, of sysexits.h where there is a fitting one.
    private enum Exit {
        static let done: Int32 = 0
        static let usage: Int32 = 64
        static let failed: Int32 = 70
        /// The model's files are at fault: starting again changes nothing.
        static let configuration: Int32 = 78
    }

    /// How much sooner than the server, in thousandths of the memory, a worker is ended when there is too little.
    private static let memoryScore = 500

    /// Runs until the supervisor says drain or goes away. Returns the exit status.
    package static func run(_ commandLine: [String], _ loader: some EngineLoader) -> Int32 {
        let output = LineOutput(STDERR_FILENO)
        var limit = LineLimit(perSecond: 20)
        let log = { (line: String) in
            guard limit.admit(at: MonotonicClock.now) else { return }
            let leftOut = limit.takeLeftOut()
            output.write(
                "modelworker: \(line)" + (leftOut > 0 ? " (\(leftOut) lines before this one were left out)" : "")
            )
        }
        do {
            let arguments = try Arguments(commandLine)
            if let parent = arguments.parent, try !ProcessSelf.dieWithParent(parent) { return Exit.done }
            try ProcessSelf.ignoreWriteSignals()
            try ProcessSelf.forbidNewPrivileges()
            // The server has nothing that could be let go, and starts another worker. No reason not to serve where this fails.
            _ = try? ProcessSelf.offerMemory(score: memoryScore)
            let slot = arguments.cpus.map { Slot(id: 0, node: arguments.node ?? 0, cpus: $0) }
            var warnings = slot.map { Placement.apply($0, memory: arguments.isStrict ? .bind : .prefer) } ?? []
            var channel = try Channel(descriptor: arguments.channel)
            let sandbox = Sandbox(arguments.sandbox)
            if let warning = sandbox.warning { warnings.append(warning) }
            try channel.send(
                .hello(
                    FromWorker.Hello(
                        protocolVersion: WireProtocol.version,
                        softwareVersion: WireProtocol.softwareVersion,
                        pid: ProcessSelf.processID,
                        warnings: warnings,
                        sandbox: sandbox.description
                    )
                )
            )
            try work(for: channel, loader, arguments, sandbox, log: log)
            return Exit.done
        } catch is Channel.Closed {
            return Exit.done
        } catch let failure as LoadFailure {
            return failure.kind == .configuration ? Exit.configuration : Exit.failed
        } catch {
            log("\(error)")
            return error is Arguments.Unusable ? Exit.usage : Exit.failed
        }
    }

    /// All that comes after Hello: packs, or loads and serves.
    package static func work<Loader: EngineLoader>(
        for channel: consuming Channel,
        _ loader: Loader,
        _ arguments: Arguments,
        _ sandbox: Sandbox = Sandbox(.off),
        log: @escaping (String) -> Void
    ) throws {
        let (engine, slow): (Loader.Loaded, Duration?)
        do {
            if arguments.isPacker { return try pack(&channel, loader, onNode: arguments.node, sandbox) }
            (engine, slow) = try load(&channel, loader, threads: arguments.threads, sandbox)
        } catch let failure as LoadFailure {
            try channel.send(.failed(FromWorker.Failed(kind: failure.kind, message: failure.message)))
            throw failure
        }
        var server = WorkerServer(engine, channel, slow: slow, log: log)
        try server.run()
    }

    private static func load<Loader: EngineLoader>(
        _ channel: inout Channel,
        _ loader: Loader,
        threads: Int,
        _ sandbox: Sandbox
    ) throws -> (Loader.Loaded, slow: Duration?) {
        guard case .load(let request) = try channel.receive(), let pack = channel.takeDescriptor() else {
            throw WireError(.malformed, "expected Load with a descriptor")
        }
        let start = channel.now
        try held { () throws(SystemError) in try sandbox.confine(reading: [request.modelDirectory]) }
        var (engine, ready) = try loader.load(request, pack: pack, threads: threads) { try channel.sign() }
        try held { () throws(SystemError) in try sandbox.close() }
        ready.loadMicroseconds = (channel.now - start).microseconds
        try channel.send(.ready(ready))
        return (engine, request.slowMicroseconds > 0 ? .microseconds(request.slowMicroseconds) : nil)
    }

    /// What the supervisor was told of the sandbox holds, or the process does not go on.
    private static func held(_ step: () throws(SystemError) -> Void) throws(LoadFailure) {
        do throws(SystemError) {
            try step()
        } catch {
            throw LoadFailure(.resource, "the worker cannot be held to its sandbox: \(error) (worker_sandbox)")
        }
    }

    private static func pack(
        _ channel: inout Channel,
        _ loader: some EngineLoader,
        onNode node: Int?,
        _ sandbox: Sandbox
    ) throws {
        let frame = try channel.receive()
        guard let first = channel.takeDescriptor() else { throw WireError(.malformed, "expected a descriptor") }
        let bytes: Int
        switch frame {
        case .pack(let request):
            let paths = [request.modelDirectory, request.calibrationFile].filter { !$0.isEmpty }
            try held { () throws(SystemError) in try sandbox.confine(reading: paths) }
            bytes = try loader.pack(request, into: first) { key in
                try channel.send(.packKey(FromWorker.PackKey(key: key)))
                guard case .packProceed = try channel.receive() else {
                    throw WireError(.malformed, "expected PackProceed")
                }
            } progress: {
                try channel.sign()
            }
        case .copy(let request):
            guard let copy = channel.takeDescriptor() else { throw WireError(.malformed, "expected two descriptors") }
            try held { () throws(SystemError) in try sandbox.confine(reading: []) }
            bytes = try NodeCopy.make(of: first, in: copy, node: node ?? 0, isStrict: request.strict) {
                try channel.sign()
            }
            try loader.check(copy, key: request.packKey)
        default: throw WireError(.malformed, "expected Pack or Copy")
        }
        try channel.send(.packDone(FromWorker.PackDone(bytes: UInt64(bytes))))
    }
}
