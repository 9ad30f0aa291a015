import Messages
import Supervisor
import Testing
import Time

@Suite struct QuarantineTests {
    var quarantine = Quarantine(key: 1)

    mutating func refusal(_ payload: [UInt8], model: String = "a", method: String = "embed", at now: Instant)
        -> Refusal?
    {
        quarantine.refusal(model, method, payload, at: now)
    }

    @Test mutating func aRequestIsKnownByItsModelMethodAndPayload() {
        let end = Instant.start + .seconds(600)
        quarantine.add("a", "embed", [1, 2], cause: "killed by SIGSEGV", until: end)
        let refused = refusal([1, 2], at: .start)
        #expect(refused?.code == .failedPrecondition)
        #expect(refused?.message.contains("two workers (killed by SIGSEGV); it is refused for 601 s") == true)
        #expect(refusal([1, 2], model: "b", at: .start) == nil)
        #expect(refusal([1, 2], method: "tag", at: .start) == nil)
        #expect(refusal([1, 2, 3], at: .start) == nil)
        #expect(quarantine.count(at: end - .nanoseconds(1)) == 1 && quarantine.count(at: end) == 0)
        #expect(refusal([1, 2], at: end) == nil)
    }

    @Test mutating func theOneThatIsLetGoFirstMakesRoom() {
        for number in 0...Quarantine.capacity {
            let end = Instant.start + .seconds(number + 1)
            quarantine.add("a", "embed", Array("\(number)".utf8), cause: "exit 1", until: end)
        }
        #expect(quarantine.count(at: .start) == Quarantine.capacity)
        #expect(refusal(Array("0".utf8), at: .start) == nil)
        #expect(refusal(Array("1".utf8), at: .start) != nil)
        // Each is let go in its time.
        for number in 1...Quarantine.capacity {
            let end = Instant.start + .seconds(number + 1)
            #expect(refusal(Array("\(number)".utf8), at: end - .nanoseconds(1)) != nil)
            #expect(refusal(Array("\(number)".utf8), at: end) == nil)
        }
    }
}
