import Foundation
import LinuxSystem
import Messages
import Testing
import Time
import Wire
import Worker

@Suite(.timeLimit(.minutes(5))) struct WorkerProgramTests {
    /// Makes a scripted engine, or what a test says.
    private final class ScriptedLoader: EngineLoader {
        let engine: ScriptedEngine
        var onLoad: (_ progress: () throws -> Void) throws -> Void = { _ in }
        /// The key that is proposed, or why none is.
        var key = Result<String, LoadFailure>.success("k")

        init(_ engine: ScriptedEngine) { self.engine = engine }

        func load(
            _ request: ToWorker.Load,
            pack: borrowing OwnedDescriptor,
            threads: Int,
            progress: () throws -> Void
        ) throws -> (engine: ScriptedEngine, ready: FromWorker.Ready) {
            try onLoad(progress)
            return (engine, FromWorker.Ready(tasks: ["\(request.variant) \(threads)"]))
        }

        func pack(
            _ request: ToWorker.Pack,
            into file: borrowing OwnedDescriptor,
            propose: (_ key: String) throws -> Void,
            progress: () throws -> Void
        ) throws -> Int {
            try propose(try key.get())
            let bytes = Array(request.variant.utf8)
            _ = try bytes.withUnsafeBytes { try file.write($0) }
            return bytes.count
        }

        func check(_ copy: borrowing OwnedDescriptor, key: String) throws {
            if key != "k" { throw LoadFailure(.pack, "its key is not \(key)") }
        }
    }

    private static let load = ToWorker.load(ToWorker.Load(variant: "fp32"))
    private static let pack = ToWorker.pack(ToWorker.Pack(variant: "int8"))

    private let loop: TestLoop
    private let loader: ScriptedLoader
    /// What a packer writes to, and what it wrote.
    private let file: Pipe

    private final class Pipe {
        let ends: PipeEnds

        init() throws {
            ends = try OwnedDescriptor.pipe()
            try ends.reading.setNonBlocking(true)
        }
    }

    init() throws {
        loop = try TestLoop()
        loader = ScriptedLoader(loop.engine)
        file = try Pipe()
    }

    /// Runs what comes after Hello.
    private func work(_ flags: String...) throws {
        let arguments = try Arguments(["modelworker"] + flags)
        let limit = loop.limit()
        defer { limit.cancel() }
        try WorkerProgram.work(for: try loop.channel(), loader, arguments) { _ in }
    }

    private func written() throws -> String {
        var room = [UInt8](repeating: 0, count: 100)
        guard case .bytes(let count) = try room.withUnsafeMutableBytes({ try file.ends.reading.read(into: $0) }) else {
            return ""
        }
        return String(decoding: room[..<count], as: UTF8.self)
    }

    // MARK: - Serving

    @Test func aWorkerIsReadyOnceItHasLoadedAndServesThen() throws {
        loader.onLoad = { [loop] progress in
            for _ in 0..<3 {
                loop.now += .milliseconds(60)
                try progress()
            }
        }
        try loop.supervisor.send(Self.load, with: file.ends.reading.rawValue)
        try loop.supervisor.send(prepare(1, "a"), start(1, 1), .drain(ToWorker.Drain()))
        try work("--threads", "3")
        let frames = try loop.supervisor.arrived()
        #expect(
            frames.prefix(2) == [
                .progress(FromWorker.Progress()),
                .ready(FromWorker.Ready(tasks: ["fp32 3"], loadMicroseconds: 180_000)),
            ]
        )
        #expect(frames.suffix(2) == [result(1, "A", tokens: 1), done(1, tokens: 1)])
    }

    @Test func whyAnEngineCannotBeLoadedIsTold() throws {
        loader.onLoad = { _ in throw LoadFailure(.pack, "it is damaged") }
        try loop.supervisor.send(Self.load, with: file.ends.reading.rawValue)
        #expect(throws: LoadFailure.self) { try work() }
        #expect(try loop.supervisor.arrived() == [.failed(FromWorker.Failed(kind: .pack, message: "it is damaged"))])
    }

    @Test func aLoadThatNobodyWaitsForEnds() throws {
        loader.onLoad = { [loop] progress in
            while true {
                loop.now += .milliseconds(100)
                try progress()
            }
        }
        try loop.supervisor.send(Self.load, with: file.ends.reading.rawValue)
        loop.supervisor.close()
        #expect(throws: Channel.Closed.self) { try work() }
    }

    // MARK: - Packing

    @Test func aPackerWritesWhenItIsToldToProceed() throws {
        try loop.supervisor.send(Self.pack, with: file.ends.writing.rawValue)
        try loop.supervisor.send(.packProceed(ToWorker.PackProceed()))
        try work("--pack")
        #expect(
            try loop.supervisor.arrived() == [
                .packKey(FromWorker.PackKey(key: "k")), .packDone(FromWorker.PackDone(bytes: 4)),
            ]
        )
        #expect(try written() == "int8")
    }

    @Test func aPackThatTheCacheHasIsNotWritten() throws {
        try loop.supervisor.send(Self.pack, with: file.ends.writing.rawValue)
        try loop.supervisor.leave()
        #expect(throws: Channel.Closed.self) { try work("--pack") }
        #expect(try loop.supervisor.arrived() == [.packKey(FromWorker.PackKey(key: "k"))])
        #expect(try written() == "")
    }

    @Test func whyACheckpointCannotBePackedIsTold() throws {
        loader.key = .failure(LoadFailure(.configuration, "no weights"))
        try loop.supervisor.send(Self.pack, with: file.ends.writing.rawValue)
        #expect(throws: LoadFailure.self) { try work("--pack") }
        let failed = FromWorker.Failed(kind: .configuration, message: "no weights")
        #expect(try loop.supervisor.arrived() == [.failed(failed)])
    }

    // MARK: - What is wrong

    @Test func aFirstFrameThatDoesNotFitIsAnError() throws {
        try loop.supervisor.send(Self.load, with: file.ends.reading.rawValue)
        #expect(throws: WireError.self) { try work("--pack") }
        #expect(try loop.supervisor.arrived().isEmpty)
    }

    @Test func aLoadWithoutADescriptorIsAnError() throws {
        try loop.supervisor.send(Self.load)
        #expect(throws: WireError.self) { try work() }
    }

    @Test(arguments: [["--threads"], ["--threads", "two"], ["--cpus", "a-b"], ["--serve", "1"]])
    func aCommandLineThatIsNotTheServersIsRefusedByItsFlag(_ flags: [String]) throws {
        let error = #expect(throws: Arguments.Unusable.self) { try Arguments(["modelworker"] + flags) }
        #expect(error?.description.hasPrefix(flags[0]) == true)
    }

    // MARK: - Copying

    @Test func aCopyIsMadeCheckedAndNotWrittenToAfterwards() throws {
        let pack = try MemoryFile.create(name: "pack", size: 5 << 20)
        let copy = try MemoryFile.create(name: "copy", size: 0)
        let text = Array("weights".utf8)
        #expect(text.withUnsafeBytes { pwrite(pack.rawValue, $0.baseAddress, $0.count, 4 << 20) } == text.count)
        try loop.supervisor.send(.copy(ToWorker.Copy(packKey: "k", strict: true)), with: pack.rawValue, copy.rawValue)
        try work("--pack", "--node", "0")
        #expect(try loop.supervisor.arrived().last == .packDone(FromWorker.PackDone(bytes: 5 << 20)))
        var read = [UInt8](repeating: 0, count: text.count)
        #expect(pread(copy.rawValue, &read, read.count, 4 << 20) == read.count && read == text)
        // It is mapped no more, so that it can be sealed, and then it can still be mapped.
        try MemoryFile.seal(copy)
        let region = try MappedRegion(try MemoryFile.reopened(copy))
        #expect(region.bytes.count == 5 << 20)
    }

    @Test func aCopyOfAnotherPackIsRefused() throws {
        let pack = try MemoryFile.create(name: "pack", size: 9)
        let copy = try MemoryFile.create(name: "copy", size: 0)
        try loop.supervisor.send(.copy(ToWorker.Copy(packKey: "other")), with: pack.rawValue, copy.rawValue)
        #expect(throws: LoadFailure.self) { try work("--pack") }
        let failed = FromWorker.Failed(kind: .pack, message: "its key is not other")
        #expect(try loop.supervisor.arrived() == [.failed(failed)])
    }
}
