import Messages
import Supervisor
import Testing
import Time

@Suite struct QuarantineTests {
    var quarantine = Quarantine(key: 1)
    let label: RequestLabel

    init() throws { label = try #require(CoreWorld.serving().answer).request }

    private func labelled(model: String = "a", method: String = "embed") -> RequestLabel {
        var label = label
        (label.model, label.method) = (model, method)
        return label
    }

    private mutating func blame(_ payload: [UInt8], model: String = "a", faults: Int = 2, until end: Instant) {
        let fingerprint = quarantine.fingerprint(labelled(model: model), payload)
        let cause = "killed by SIGSEGV"
        quarantine.blame(fingerprint, faults: faults, isCondemned: faults > 1, cause: cause, until: end)
    }

    private mutating func refusal(
        _ payload: [UInt8],
        model: String = "a",
        method: String = "embed",
        at now: Instant = .start
    ) -> Refusal? {
        let verdict = quarantine.verdict(labelled(model: model, method: method), payload, at: now)
        if case .condemned(let refusal)? = verdict { return refusal }
        return nil
    }

    @Test mutating func aRequestIsKnownByItsModelMethodAndPayload() {
        let end = Instant.start + .seconds(600)
        blame([1, 2], until: end)
        let refused = refusal([1, 2])
        #expect(refused?.code == .failedPrecondition)
        #expect(refused?.message.contains("two workers (killed by SIGSEGV); it is refused for 601 s") == true)
        #expect(refusal([1, 2], model: "b") == nil)
        #expect(refusal([1, 2], method: "tag") == nil)
        #expect(refusal([1, 2, 3]) == nil)
        #expect(quarantine.count(at: end - .nanoseconds(1)) == 1 && quarantine.count(at: end) == 0)
        #expect(refusal([1, 2], at: end) == nil)
    }

    @Test mutating func oneThatIsSuspectedIsAcquittedByAnAnswerAndOneThatIsCondemnedIsNot() {
        let end = Instant.start + .seconds(600)
        blame([1], faults: 1, until: end)
        #expect(quarantine.verdict(labelled(), [1], at: .start) == .suspected(faults: 1))
        #expect(quarantine.count(at: .start) == 0 && quarantine.refused(at: .start).isEmpty)
        quarantine.acquit(labelled(), [1])
        #expect(quarantine.verdict(labelled(), [1], at: .start) == nil)
        // Copies in one batch: one death.
        for _ in 1...3 { blame([1], faults: 1, until: end) }
        #expect(quarantine.verdict(labelled(), [1], at: .start) == .suspected(faults: 1))
        blame([1], until: end)
        quarantine.acquit(labelled(), [1])
        blame([1], faults: 1, until: end)
        #expect(refusal([1]) != nil)
        #expect(quarantine.refused(at: .start).map { $0.faults } == [2])
    }

    @Test mutating func aModelsAreLetGo() {
        for (number, model) in ["a", "b", "a"].enumerated() {
            blame([UInt8(number)], model: model, until: .start + .seconds(number + 1))
        }
        #expect(quarantine.refused(at: .start).map { $0.fingerprint.label.model } == ["a", "b", "a"])
        #expect(quarantine.clear(at: .start) { $0 == "a" } == 2)
        #expect(refusal([0]) == nil && refusal([1], model: "b") != nil)
        #expect(quarantine.clear(at: .start) == 1)
        #expect(refusal([1], model: "b") == nil)
    }

    @Test mutating func theOneThatIsLetGoFirstMakesRoom() {
        for number in 0...Quarantine.capacity {
            blame(Array("\(number)".utf8), until: .start + .seconds(number + 1))
        }
        #expect(quarantine.count(at: .start) == Quarantine.capacity)
        #expect(refusal(Array("0".utf8)) == nil)
        #expect(refusal(Array("1".utf8)) != nil)
        // One that is only suspected makes room itself.
        blame([7], faults: 1, until: .start + .seconds(5000))
        #expect(quarantine.verdict(labelled(), [7], at: .start) == nil)
        // Each is let go in its time.
        for number in 1...Quarantine.capacity {
            let end = Instant.start + .seconds(number + 1)
            #expect(refusal(Array("\(number)".utf8), at: end - .nanoseconds(1)) != nil)
            #expect(refusal(Array("\(number)".utf8), at: end) == nil)
        }
    }
}
