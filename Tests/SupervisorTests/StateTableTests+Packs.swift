import Supervisor
import Testing
import Time

/// The table of `PackCoordinator`.
extension StateTableTests {
    static let (job, other) = (PackJobID(1), PackJobID(2))

    /// A coordinator with a job in each state; another one packs the key that it waits for.
    static let jobs: [String: PackCoordinator] = {
        let none = PackCoordinator(limit: 1)
        var waiting = none
        _ = waiting.request(other, at: .start)
        _ = waiting.request(job, at: .start)
        var starting = PackCoordinator(limit: 2)
        _ = starting.request(job, at: .start)
        var identifying = starting
        _ = identifying.hello(job, at: .start)
        var packing = identifying
        _ = packing.identified(job, key: "k", cachedBytes: nil, at: .start)
        var copying = PackCoordinator(limit: 2)
        _ = copying.request(job, isCopy: true, at: .start)
        _ = copying.hello(job, at: .start)
        var queued = PackCoordinator(limit: 2)
        for id in [other, job] {
            _ = queued.request(id, at: .start)
            _ = queued.hello(id, at: .start)
            _ = queued.identified(id, key: "k", cachedBytes: nil, at: .start)
        }
        var over = identifying
        _ = over.identified(job, key: "k", cachedBytes: 9, at: .start)
        return [
            "none": none, "waiting": waiting, "starting": starting, "identifying": identifying, "queued": queued,
            "packing": packing, "copying": copying, "over": over,
        ]
    }()

    typealias PackAction = PackCoordinator.Action

    static let jobEvents: [(name: String, apply: @Sendable (inout PackCoordinator) -> [PackAction])] = [
        ("request", { $0.request(job, at: .soon) }),
        ("cancel", { $0.cancel(job, at: .soon) }),
        ("hello", { $0.hello(job, at: .soon) }),
        ("new key", { $0.identified(job, key: "n", cachedBytes: nil, at: .soon) }),
        ("cached key", { $0.identified(job, key: "n", cachedBytes: 9, at: .soon) }),
        ("packed", { $0.packed(job, bytes: 9, at: .soon) }),
        ("stored", { $0.stored(job, bytes: 9, error: nil, at: .soon) }),
        ("not stored", { $0.stored(job, bytes: 0, error: "full", at: .soon) }),
        ("refused", { $0.refused(job, "no file", at: .soon) }),
        ("violation", { $0.violation(job, "garbage", at: .soon) }),
        ("timer", { $0.timer(at: .late) }),
        ("ended", { $0.ended(job, .exited(1), description: "exit 1", at: .soon) }),
    ]

    /// What an event leads to, in a word.
    private func summary(_ actions: [PackAction]) -> String {
        let words = actions.compactMap { action -> String? in
            switch action {
            case .spawn(Self.job): "spawn"
            case .sendPack(Self.job): "send"
            case .sendProceed(Self.job): "proceed"
            case .store(Self.job, _, _): "store"
            case .sendCopy(Self.job): "send"
            case .seal(Self.job, _): "seal"
            case .copied(Self.job): "finished"
            case .kill(Self.job): "kill"
            case .finished(Self.job, _, _): "finished"
            case .failed(Self.job, _, _): "failed"
            default: nil
            }
        }
        return words.joined(separator: " ")
    }

    /// What is not here leads to nothing.
    static let jobTable: [String: [String: String]] = [
        "none": ["request": "spawn"],
        "waiting": [:],
        "starting": [
            "cancel": "kill", "hello": "send", "new key": "kill failed", "cached key": "kill failed",
            "packed": "kill failed", "refused": "kill failed", "violation": "kill failed", "timer": "kill failed",
            "ended": "failed",
        ],
        "identifying": [
            "cancel": "kill", "hello": "kill failed", "new key": "proceed", "cached key": "kill finished",
            "packed": "kill failed", "refused": "kill failed", "violation": "kill failed", "timer": "kill failed",
            "ended": "failed",
        ],
        "queued": [
            "cancel": "kill", "hello": "kill failed", "new key": "kill failed", "cached key": "kill failed",
            "packed": "kill failed", "refused": "kill failed", "violation": "kill failed",
            // The other one is stuck, so that this one makes the pack.
            "timer": "proceed", "ended": "failed",
        ],
        "packing": [
            "cancel": "kill", "hello": "kill failed", "new key": "kill failed", "cached key": "kill failed",
            "packed": "store", "stored": "kill finished", "not stored": "kill failed", "refused": "kill failed",
            "violation": "kill failed", "timer": "kill failed", "ended": "failed",
        ],
        "copying": [
            "cancel": "kill", "hello": "kill failed", "new key": "kill failed", "cached key": "kill failed",
            "packed": "seal", "stored": "kill finished", "not stored": "kill failed", "refused": "kill failed",
            "violation": "kill failed", "timer": "kill failed", "ended": "failed",
        ],
        "over": [:],
    ]

    @Test func everyEventOfAPackerInEveryState() {
        #expect(Set(Self.jobs.keys) == Set(Self.jobTable.keys))
        for (state, packs) in Self.jobs {
            for event in Self.jobEvents {
                var after = packs
                let result = summary(event.apply(&after))
                #expect(result == Self.jobTable[state]?[event.name] ?? "", "\(event.name) when \(state)")
                // One that is answered is never answered again, and its end makes room.
                guard result.contains("failed") || result.contains("finished") || event.name == "cancel" else {
                    continue
                }
                for again in Self.jobEvents where again.name != "request" {
                    var later = after
                    let more = summary(again.apply(&later))
                    #expect(more == "" || state == "waiting", "\(event.name), \(again.name) when \(state): \(more)")
                }
            }
        }
    }
}
