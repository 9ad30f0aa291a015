import Messages
import Supervisor
import Testing
import Wire

@Suite struct PackCoordinatorTests {
    static let (a, b, c) = (PackJobID(1), PackJobID(2), PackJobID(3))

    var packs = PackCoordinator(limit: 2)

    /// Brings a packer up to the point where it names its key.
    mutating func identify(_ job: PackJobID, _ key: String, cached: Bool = false) -> [PackCoordinator.Action] {
        _ = packs.request(job, at: 0)
        #expect(packs.hello(job, at: 0) == [.sendPack(job)])
        return packs.identified(job, key: key, cachedBytes: cached ? 100 : nil, at: 0)
    }

    @Test mutating func aNewPackIsWrittenAndStored() {
        #expect(packs.request(Self.a, at: 0) == [.spawn(Self.a)])
        #expect(packs.hello(Self.a, at: 0) == [.sendPack(Self.a)])
        #expect(packs.identified(Self.a, key: "k", cachedBytes: nil, at: 0) == [.sendProceed(Self.a)])
        #expect(packs.packed(Self.a, bytes: 100, at: 0) == [.store(Self.a, key: "k", bytes: 100)])
        let done = packs.stored(Self.a, bytes: 100, error: nil, at: 0)
        #expect(done == [.kill(Self.a), .finished(Self.a, key: "k", bytes: 100)])
        #expect(packs.ended(Self.a, .exited(0), description: "exit 0", at: 0) == [])
    }

    @Test mutating func aCachedPackNeedsNoWriting() {
        #expect(identify(Self.a, "k", cached: true) == [.kill(Self.a), .finished(Self.a, key: "k", bytes: 100)])
        #expect(packs.ended(Self.a, .signalled(9), description: "", at: 0) == [], "its end is no failure")
    }

    @Test mutating func onePackerWritesAKeyAndTheOthersUseIt() {
        #expect(identify(Self.a, "k") == [.sendProceed(Self.a)])
        #expect(identify(Self.b, "k") == [])
        _ = packs.packed(Self.a, bytes: 100, at: 0)
        let done = packs.stored(Self.a, bytes: 100, error: nil, at: 0)
        #expect(done.contains(.finished(Self.b, key: "k", bytes: 100)))
        #expect(!done.contains(.sendProceed(Self.b)))
    }

    @Test mutating func whenThePackerOfAKeyFailsTheNextOneWrites() {
        _ = identify(Self.a, "k")
        _ = identify(Self.b, "k")
        let actions = packs.ended(Self.a, .signalled(11), description: "killed by SIGSEGV", at: 0)
        #expect(actions.contains(.sendProceed(Self.b)))
        guard case .failed(Self.a, .unavailable, let message)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(message.contains("SIGSEGV"))
    }

    @Test mutating func onlySoManyRunAtATime() {
        #expect(packs.request(Self.a, at: 0) == [.spawn(Self.a)])
        #expect(packs.request(Self.b, at: 0) == [.spawn(Self.b)])
        #expect(packs.request(Self.c, at: 0) == [])
        _ = packs.cancel(Self.a, at: 0)
        #expect(packs.ended(Self.a, .signalled(9), description: "", at: 0) == [.spawn(Self.c)])
    }

    @Test mutating func aCheckpointAtFaultIsReportedInThePackersWords() {
        _ = packs.request(Self.a, at: 0)
        _ = packs.hello(Self.a, at: 0)
        packs.reported(Self.a, .configuration, "config.json is missing")
        let actions = packs.ended(Self.a, .exited(78), description: "exit 78", at: 0)
        #expect(actions == [.failed(Self.a, .failedPrecondition, "config.json is missing")])
    }

    @Test mutating func anUnsafeKeyIsAViolation() {
        for key in ["", "../x", "a/b", ".hidden", "a\0b", String(repeating: "k", count: 201)] {
            #expect(!PackCoordinator.isKey(key))
        }
        #expect(identify(Self.a, "../x").first == .kill(Self.a))
    }

    @Test mutating func silenceIsKilled() {
        _ = identify(Self.a, "k")
        #expect(packs.deadline == PackCoordinator.patience)
        packs.progressed(Self.a, at: 10)
        #expect(packs.timer(at: PackCoordinator.patience) == [])
        #expect(packs.timer(at: PackCoordinator.patience + 10).first == .kill(Self.a))
        #expect(packs.deadline == nil)
    }
}
