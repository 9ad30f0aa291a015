import Messages
import Supervisor
import Testing
import Time
import Wire

@Suite struct PackCoordinatorTests {
    static let (a, b, c) = (PackJobID(1), PackJobID(2), PackJobID(3))

    var packs = PackCoordinator(limit: 2)

    /// Brings a packer up to the point where it names its key.
    mutating func identify(_ job: PackJobID, _ key: String, cached: Bool = false) -> [PackCoordinator.Action] {
        _ = packs.request(job, at: .start)
        #expect(packs.hello(job, at: .start) == [.sendPack(job)])
        return packs.identified(job, key: key, cachedBytes: cached ? 100 : nil, at: .start)
    }

    @Test mutating func aNewPackIsWrittenAndStored() {
        #expect(packs.request(Self.a, at: .start) == [.spawn(Self.a)])
        #expect(packs.hello(Self.a, at: .start) == [.sendPack(Self.a)])
        #expect(packs.identified(Self.a, key: "k", cachedBytes: nil, at: .start) == [.sendProceed(Self.a)])
        #expect(packs.packed(Self.a, bytes: 100, at: .start) == [.store(Self.a, key: "k", bytes: 100)])
        let done = packs.stored(Self.a, bytes: 100, error: nil, at: .start)
        #expect(done == [.kill(Self.a), .finished(Self.a, key: "k", bytes: 100)])
        #expect(packs.ended(Self.a, .exited(0), description: "exit 0", at: .start) == [])
    }

    @Test mutating func aCachedPackNeedsNoWriting() {
        #expect(identify(Self.a, "k", cached: true) == [.kill(Self.a), .finished(Self.a, key: "k", bytes: 100)])
        #expect(packs.ended(Self.a, .signalled(9), description: "", at: .start) == [], "its end is no failure")
    }

    @Test mutating func onePackerWritesAKeyAndTheOthersUseIt() {
        #expect(identify(Self.a, "k") == [.sendProceed(Self.a)])
        #expect(identify(Self.b, "k") == [])
        _ = packs.packed(Self.a, bytes: 100, at: .start)
        let done = packs.stored(Self.a, bytes: 100, error: nil, at: .start)
        #expect(done.contains(.finished(Self.b, key: "k", bytes: 100)))
        #expect(!done.contains(.sendProceed(Self.b)))
    }

    @Test mutating func whenThePackerOfAKeyFailsTheNextOneWrites() {
        _ = identify(Self.a, "k")
        _ = identify(Self.b, "k")
        let actions = packs.ended(Self.a, .signalled(11), description: "killed by SIGSEGV", at: .start)
        #expect(actions.contains(.sendProceed(Self.b)))
        guard case .failed(Self.a, .unavailable, let message)? = actions.first else {
            Issue.record("\(actions)")
            return
        }
        #expect(message.contains("SIGSEGV"))
    }

    @Test mutating func onlySoManyRunAtATime() {
        #expect(packs.request(Self.a, at: .start) == [.spawn(Self.a)])
        #expect(packs.request(Self.b, at: .start) == [.spawn(Self.b)])
        #expect(packs.request(Self.c, at: .start) == [])
        _ = packs.cancel(Self.a, at: .start)
        #expect(packs.ended(Self.a, .signalled(9), description: "", at: .start) == [.spawn(Self.c)])
    }

    @Test mutating func aCheckpointAtFaultIsReportedInThePackersWords() {
        _ = packs.request(Self.a, at: .start)
        _ = packs.hello(Self.a, at: .start)
        packs.reported(Self.a, .configuration, "config.json is missing")
        let actions = packs.ended(Self.a, .exited(78), description: "exit 78", at: .start)
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
        #expect(packs.deadline == .at(.start + PackCoordinator.patience))
        packs.progressed(Self.a, at: .soon)
        #expect(packs.timer(at: .start + PackCoordinator.patience) == [])
        #expect(packs.timer(at: .soon + PackCoordinator.patience).first == .kill(Self.a))
        #expect(packs.deadline == .never)
    }
}
