import Messages
import Supervisor
import Testing
import Time

/// Row 71: how much is told when much happens.
@Suite struct LogLimitsTests {
    private func refused(by user: UInt32) -> Happening {
        .refused(.model, Refusal(.notFound, "no model"), Caller(user: user, process: 1))
    }

    @Test func row71AFloodOfOneUserLeavesTheLinesOfOthers() {
        var limits = LogLimits()
        let now = Instant.start + .seconds(5)
        let told = (0..<1000).count { _ in limits.admit(refused(by: 1), .info, at: now) }
        #expect(told == LogLimits.perSecond)
        // What matters more, and what is of another kind, has lines of its own.
        let others: [(Happening, Severity)] = [
            (refused(by: 2), .info), (refused(by: 1), .warning), (.reload(model: "m", by: nil), .info),
            (.reload(model: "m", by: Caller(user: 1, process: 1)), .info),
        ]
        for (happening, severity) in others {
            let isTold = limits.admit(happening, severity, at: now)
            #expect(isTold, "\(happening)")
        }
    }

    @Test func whatIsLeftOutIsToldASecondLaterAndOnce() {
        var limits = LogLimits()
        let now = Instant.start + .seconds(5)
        for _ in 0..<1000 { _ = limits.admit(refused(by: 1), .info, at: now) }
        for _ in 0..<30 { _ = limits.admit(.packStuck(key: "k"), .error, at: now + .milliseconds(10)) }
        #expect(limits.deadline == .at(now + .seconds(1)))
        let lines = limits.takeLeftOut().map(\.line)
        #expect(lines.count == 2 && lines.allSatisfy { $0.message == "lines were left out" })
        let ofUser = ["kind": "refused", "lines": "980", "uid": "1"]
        #expect(lines.contains { $0.severity == .info && $0.fields == ofUser }, "\(lines)")
        #expect(
            lines.contains { $0.severity == .error && $0.fields == ["kind": "packStuck", "lines": "10"] },
            "\(lines)"
        )
        let rest = limits.takeLeftOut()
        #expect(limits.deadline == .never && rest.isEmpty)
    }

    @Test func manyUsersAreForgotten() {
        var limits = LogLimits()
        for user in 0..<100_000 {
            let now = Instant.start + .milliseconds(user)
            let isTold = limits.admit(refused(by: UInt32(user)), .info, at: now)
            #expect(isTold)
        }
        #expect(limits.count <= 1001)
    }
}
