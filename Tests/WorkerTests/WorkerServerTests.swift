import Foundation
import LinuxSystem
import Messages
import Synchronization
import Testing
import Time
import Wire
import Worker

@Suite(.timeLimit(.minutes(5))) struct WorkerServerTests {
    @Test func aRequestIsPreparedComputedAndAnsweredWithItsTimes() throws {
        let loop = try TestLoop()
        loop.engine.onPrepare = { _ in
            loop.now += .microseconds(7)
            return nil
        }
        loop.engine.onStep = { _, _ in loop.now += .microseconds(30) }
        let frames = try loop.run(prepare(1, "abc"), start(9, 1))
        #expect(
            frames == [
                prepared(1, tokens: 3), result(1, "ABC", tokenized: 7, computed: 30, tokens: 3),
                done(9, tokens: 3, computed: 30),
            ]
        )
        #expect(loop.log.isEmpty)
    }

    @Test func batchesAreComputedInTheOrderOfTheirStartsAndDrainEndsAfterThem() throws {
        let loop = try TestLoop()
        let frames = try loop.run(prepare(1, "a"), prepare(2, "b"), prepare(3, "c"), start(8, 3), start(9, 2, 1))
        #expect(loop.engine.steps == ["c", "b", "a"])
        let second = [result(2, "B", tokens: 2, requests: 2), result(1, "A", tokens: 2, requests: 2)]
        #expect(frames.suffix(5) == [result(3, "C", tokens: 1), done(8, tokens: 1)] + second + [done(9, tokens: 2)])
    }

    /// What comes while a batch computes is prepared between two pieces of it, and computed after it.
    @Test func requestsThatComeWhileABatchComputesArePreparedAtOnce() throws {
        let loop = try TestLoop()
        var seen: [FromWorker] = []
        loop.engine.onStep = { texts, proceed in
            guard texts == "a" else { return }
            var goesOn = false
            #expect(throws: Never.self) {
                try loop.supervisor.send(prepare(2, "bb"), start(2, 2))
                loop.now += .microseconds(200)
                goesOn = proceed()
                seen = try loop.supervisor.arrived()
            }
            #expect(goesOn)
        }
        let frames = try loop.run(prepare(1, "a"), start(1, 1))
        #expect(seen == [prepared(1, tokens: 1), prepared(2, tokens: 2)])
        #expect(loop.engine.steps == ["a", "bb"])
        #expect(frames.last == done(2, tokens: 2))
    }

    @Test func aRequestThatNeedsNoComputingIsAnsweredAtOnce() throws {
        let loop = try TestLoop()
        loop.engine.onPrepare = { _ in
            loop.now += .microseconds(5)
            return .answered([1, 2])
        }
        let frames = try loop.run(prepare(4, "a"), start(1, 4))
        let answer = FromWorker.Result(requestID: 4, payload: [1, 2], tokenizationMicroseconds: 5)
        #expect(frames == [.result(answer), done(1, tokens: 0)])
    }

    // MARK: - What is left out

    @Test func aRequestThatIsRevokedBeforeItsBatchIsLeftOut() throws {
        let loop = try TestLoop()
        let frames = try loop.run(prepare(1, "a"), prepare(2, "bb"), revoke(1), start(1, 1, 2))
        #expect(loop.engine.steps == ["bb"])
        #expect(frames.suffix(2) == [result(2, "BB", tokens: 2), done(1, tokens: 2)])
    }

    @Test func aRequestThatIsRevokedDuringAnEarlierStepIsNotComputed() throws {
        let loop = try TestLoop()
        loop.engine.onStep = { texts, proceed in
            guard texts == "a" else { return }
            #expect(throws: Never.self) { try loop.supervisor.send(revoke(2)) }
            loop.now += .microseconds(200)
            let goesOn = proceed()
            #expect(goesOn)
        }
        let frames = try loop.run(prepare(1, "a"), prepare(2, "b"), start(1, 1, 2))
        #expect(loop.engine.steps == ["a"])
        #expect(
            frames.suffix(2) == [
                result(1, "A", computed: 200, tokens: 2, requests: 2), done(1, tokens: 2, computed: 200),
            ]
        )
    }

    @Test func aStepGoesOnAsLongAsOneOfItsRequestsIsWanted() throws {
        let loop = try TestLoop()
        loop.engine.stepRequests = 2
        var goesOn: [Bool] = []
        loop.engine.onStep = { _, proceed in
            for id in UInt64(1)...2 {
                #expect(throws: Never.self) { try loop.supervisor.send(revoke(id)) }
                // Just before the channel is looked at again, and then.
                loop.now += .nanoseconds(199_999)
                goesOn.append(proceed())
                loop.now += .nanoseconds(1)
                goesOn.append(proceed())
            }
        }
        let frames = try loop.run(prepare(1, "a"), prepare(2, "b"), start(1, 1, 2))
        #expect(goesOn == [true, true, true, false])
        #expect(frames == [prepared(1, tokens: 1), prepared(2, tokens: 1), done(1, tokens: 2, computed: 400)])
    }

    @Test(arguments: [10, 11]) func aRequestThatIsLateWhenItsBatchBeginsIsNotComputed(_ left: Int) throws {
        let loop = try TestLoop()
        loop.engine.onStep = { texts, _ in if texts == "b" { loop.now += .nanoseconds(10) } }
        let deadline = Deadline.at(loop.now + .nanoseconds(left))
        let frames = try loop.run(prepare(1, "a", deadline: deadline), prepare(2, "b"), start(1, 2), start(2, 1))
        if left > 10 {
            #expect(frames.suffix(2) == [result(1, "A", tokens: 1), done(2, tokens: 1)])
        } else {
            #expect(refusal(frames[frames.count - 2])?.hasPrefix("DEADLINE_EXCEEDED") == true)
            #expect(frames.last == done(2, tokens: 0))
            #expect(loop.engine.steps == ["b"])
        }
    }

    // MARK: - While a request is prepared

    @Test func aRequestThatIsLateOrWasRevokedBeforeIsNotTokenised() throws {
        let loop = try TestLoop()
        let frames = try loop.run(
            prepare(1, "a", deadline: .at(loop.now)),
            prepare(2, "b"),
            prepare(3, "c", deadline: .at(loop.now + .nanoseconds(1))),
            prepare(4, "d"),
            revoke(2),
            start(1, 1, 2, 3),
            revoke(4)
        )
        #expect(loop.engine.preparations == ["c"])
        #expect(refusal(frames.first)?.hasPrefix("DEADLINE_EXCEEDED") == true)
        #expect(frames.dropFirst() == [prepared(3, tokens: 1), result(3, "C", tokens: 1), done(1, tokens: 1)])
    }

    /// It is told so within 200 µs, and everything that it had made is forgotten.
    @Test func aRequestThatIsRevokedWhileItIsPreparedStopsAndIsNotAnswered() throws {
        let loop = try TestLoop()
        var goesOn: [Bool] = []
        loop.engine.onPreparing = { text, proceed in
            guard text == "a" else { return }
            #expect(throws: Never.self) {
                try loop.supervisor.send(prepare(2, "bb"), revoke(1), start(1, 1, 2), .drain(ToWorker.Drain()))
            }
            loop.now += .nanoseconds(199_999)
            goesOn.append(proceed())
            loop.now += .nanoseconds(1)
            goesOn += [proceed(), proceed()]
        }
        let frames = try loop.run(prepare(1, "a"), drains: false)
        #expect(goesOn == [true, false, false])
        #expect(loop.engine.preparations == ["a", "bb"])
        #expect(frames == [prepared(2, tokens: 2), result(2, "BB", tokens: 2), done(1, tokens: 2)])
    }

    @Test(arguments: [false, true]) func aRequestThatIsLateWhileItIsPreparedIsAnsweredSo(_ looks: Bool) throws {
        let loop = try TestLoop()
        var goesOn: Bool?
        loop.engine.onPreparing = { _, proceed in
            loop.now += .milliseconds(1)
            if looks { goesOn = proceed() }
        }
        let frames = try loop.run(prepare(1, "a", deadline: .at(loop.now + .milliseconds(1))), start(1, 1))
        #expect(goesOn == (looks ? false : nil))
        #expect(refusal(frames.first)?.hasPrefix("DEADLINE_EXCEEDED") == true)
        #expect(frames.dropFirst() == [done(1, tokens: 0)])
    }

    /// What comes meanwhile is done in its order, also a Drain; a long preparation gives signs of life.
    @Test func whatComesWhileARequestIsPreparedWaitsForItsTurn() throws {
        let loop = try TestLoop()
        var seen: [[FromWorker]] = []
        loop.engine.onPreparing = { text, proceed in
            guard text == "a" else { return }
            #expect(throws: Never.self) {
                try loop.supervisor.send(start(1, 1), prepare(2, "bb"), prepare(3, "c"), revoke(3), start(2, 2))
                try loop.supervisor.send(.drain(ToWorker.Drain()))
            }
            for microseconds in [99_800, 200, 100_000] {
                loop.now += .microseconds(microseconds)
                let isWanted = proceed()
                #expect(isWanted)
                #expect(throws: Never.self) { seen.append(try loop.supervisor.arrived()) }
            }
        }
        let frames = try loop.run(prepare(1, "a"), drains: false)
        let progress = FromWorker.progress(FromWorker.Progress())
        #expect(seen == [[], [progress], [progress]])
        #expect(loop.engine.preparations == ["a", "bb"] && loop.engine.steps == ["a", "bb"])
        #expect(frames.last == done(2, tokens: 2))
    }

    /// The batch that computes is not kept from its answer by a request that nobody waits for.
    @Test func aRequestThatComesWhileABatchComputesIsWatchedToo() throws {
        let loop = try TestLoop()
        loop.engine.onStep = { texts, proceed in
            guard texts == "a" else { return }
            #expect(throws: Never.self) { try loop.supervisor.send(prepare(2, "b")) }
            loop.now += .microseconds(200)
            let isWanted = proceed()
            #expect(!isWanted)
        }
        loop.engine.onPreparing = { text, proceed in
            guard text == "b" else { return }
            #expect(throws: Never.self) { try loop.supervisor.send(revoke(2), revoke(1)) }
            loop.now += .microseconds(200)
            let isWanted = proceed()
            #expect(!isWanted)
        }
        let frames = try loop.run(prepare(1, "a"), start(1, 1))
        #expect(frames == [prepared(1, tokens: 1), done(1, tokens: 1, computed: 400)])
    }

    @Test func anAnswerToARequestThatIsNotThereIsNotSent() throws {
        let loop = try TestLoop()
        #expect(try loop.run(start(1, 1, 2)) == [done(1, tokens: 0)])
        #expect(loop.engine.steps.isEmpty)
    }

    // MARK: - Errors

    @Test func aRefusalIsAnsweredWithItsStatus() throws {
        let loop = try TestLoop()
        loop.engine.onPrepare = { (_) throws(RequestFailure) in throw RequestFailure(.invalidArgument, "no such label")
        }
        let frames = try loop.run(prepare(1, "a"), start(1, 1))
        #expect(frames.count == 2 && frames.last == done(1, tokens: 0))
        #expect(refusal(frames.first) == "INVALID_ARGUMENT: no such label")
        #expect(loop.log.isEmpty, "it is the client's, and not the worker's")
    }

    @Test func anErrorOfTheEngineFailsItsRequestAloneAndIsLoggedByAllItsNames() throws {
        let loop = try TestLoop()
        loop.engine.onAnswer = { $0 == "a" ? .failure(RequestFailure(.internal, "NaN")) : .success([7]) }
        let frames = try loop.run(prepare(1, "a"), prepare(2, "b"), start(1, 1, 2))
        #expect(refusal(frames[2]) == "INTERNAL: NaN")
        #expect(refusal(frames[3]) == "OK: ")
        #expect(loop.log == [#"request "r-1", traceparent "00-7-1-01": NaN"#])
    }

    @Test func aNameOfTheClientsIsOneLineOfTheLogAndHasAnEnd() throws {
        let loop = try TestLoop()
        loop.engine.onPrepare = { (_) throws(RequestFailure) in throw RequestFailure(.internal, "x") }
        let name = "a\nmodeld: all is well " + String(repeating: "é", count: 1000)
        _ = try loop.run(.prepare(ToWorker.Prepare(requestID: 3, name: name)))
        let line = try #require(loop.log.first)
        #expect(line.hasPrefix(#"request "a\nmodeld: all"#) && line.hasSuffix("é\": x") && line.utf8.count < 200)
        #expect(!line.contains { $0.isNewline })
    }

    @Test func aRequestThatTheEngineForgetsIsAnsweredWithAnError() throws {
        let loop = try TestLoop()
        loop.engine.onAnswer = { $0 == "a" ? nil : .success([7]) }
        let frames = try loop.run(prepare(1, "a"), prepare(2, "b"), start(1, 1, 2))
        #expect(refusal(frames[3])?.hasPrefix("INTERNAL") == true)
        #expect(frames.count == 5 && frames.last == done(1, tokens: 2))
        #expect(loop.log.count == 1)
    }

    @Test func anAnswerBeyondTheFrameCapBecomesAnError() throws {
        let loop = try TestLoop()
        loop.engine.onAnswer = { _ in .success([UInt8](repeating: 1, count: WireProtocol.maximumFrameBytes)) }
        let frames = try loop.run(prepare(1, "a"), start(1, 1))
        let answer = try #require(refusal(frames[1]))
        #expect(answer.hasPrefix("OUT_OF_RANGE") && answer.contains("send fewer texts at once"), "\(answer)")
        #expect(frames.last == done(1, tokens: 1))
    }

    @Test func aSlowRequestIsLogged() throws {
        let loop = try TestLoop()
        loop.engine.onPrepare = { text in
            loop.now += text == "a" ? .seconds(10) : .nanoseconds(9_999_999_999)
            return nil
        }
        loop.engine.onStep = { texts, _ in loop.now += .nanoseconds(texts == "a" ? 9_999_999_999 : 1) }
        _ = try loop.run(prepare(1, "a"), prepare(2, "b"), start(1, 1, 2))
        let name = #"traceparent "00-7-1-01": "#
        #expect(
            loop.log == [
                #"request "r-1", \#(name)preparing it took 10000 ms"#,
                #"request "r-2", \#(name)2 tokens were computed for 10000 ms"#,
            ]
        )
    }

    @Test func whatIsSlowIsTheServersSetting() throws {
        for (limit, lines) in [(nil, 0), (Duration.microseconds(1001), 0), (.microseconds(1000), 1)] {
            let loop = try TestLoop()
            loop.slow = limit
            loop.engine.onStep = { _, _ in loop.now += .milliseconds(1) }
            _ = try loop.run(prepare(1, "a"), start(1, 1))
            #expect(loop.log.count == lines)
        }
    }

    // MARK: - What the supervisor hears, and when

    @Test func whatALoneRequestHasToSayLeavesInOneWrite() throws {
        for requests in UInt64(1)...2 {
            let loop = try TestLoop()
            var seen: [FromWorker] = []
            loop.engine.onStep = { _, _ in #expect(throws: Never.self) { seen = try loop.supervisor.arrived() } }
            for id in 1...requests { try loop.supervisor.send(prepare(id, "a")) }
            let frames = try loop.run(start(1, 1))
            // Another one is told at once, so that it can be scheduled.
            #expect(seen.count == (requests == 1 ? 0 : 2))
            #expect(frames.suffix(2) == [result(1, "A", tokens: 1), done(1, tokens: 1)])
        }
    }

    @Test func anAnswerLeavesBeforeTheNextStepOfItsBatch() throws {
        let loop = try TestLoop()
        var seen: [FromWorker] = []
        loop.engine.onStep = { _, _ in #expect(throws: Never.self) { seen += try loop.supervisor.arrived() } }
        let frames = try loop.run(prepare(1, "a"), prepare(2, "b"), start(1, 1, 2))
        #expect(seen.last == result(1, "A", tokens: 2, requests: 2))
        #expect(frames == [result(2, "B", tokens: 2, requests: 2), done(1, tokens: 2)])
    }

    @Test func aStepThatTakesLongIsSignedEveryTenthOfASecond() throws {
        let loop = try TestLoop()
        var seen: [[FromWorker]] = []
        loop.engine.onStep = { _, proceed in
            for microseconds in [99_800, 200, 99_800, 200, 300_000, 50_000] {
                loop.now += .microseconds(microseconds)
                let goesOn = proceed()
                #expect(goesOn)
                #expect(throws: Never.self) { seen.append(try loop.supervisor.arrived()) }
            }
        }
        _ = try loop.run(prepare(1, "a"), start(1, 1))
        let progress = FromWorker.progress(FromWorker.Progress())
        #expect(seen == [[], [prepared(1, tokens: 1)], [], [progress], [progress], []])
    }

    @Test func aFrameThatDoesNotBelongHereIsAnError() throws {
        let loop = try TestLoop()
        #expect(throws: WireError.self) { try loop.run(.packProceed(ToWorker.PackProceed())) }
    }

    @Test func aSupervisorThatIsGoneEndsTheLoop() throws {
        let idle = try TestLoop()
        try idle.supervisor.leave()
        #expect(throws: Channel.Closed.self) { try idle.run(drains: false) }

        let computing = try TestLoop()
        var goesOn: [Bool] = []
        computing.engine.onStep = { _, proceed in
            #expect(throws: Never.self) { try computing.supervisor.leave() }
            computing.now += .microseconds(200)
            goesOn = [proceed(), proceed()]
        }
        #expect(throws: Channel.Closed.self) { try computing.run(prepare(1, "a"), start(1, 1), drains: false) }
        #expect(goesOn == [false, false])

        let preparing = try TestLoop()
        preparing.engine.onPreparing = { _, proceed in
            #expect(throws: Never.self) { try preparing.supervisor.leave() }
            preparing.now += .microseconds(200)
            goesOn = [proceed(), proceed(), true]
        }
        #expect(throws: Channel.Closed.self) { try preparing.run(prepare(1, "a"), drains: false) }
        #expect(goesOn == [false, false, true])
    }

    /// Everything at its own time: the worker waits for each frame.
    @Test func anIdleWorkerWaitsForTheSupervisor() throws {
        let supervisor = try SupervisorEnd()
        let end = LoopEnd()
        Thread.detachNewThread { [descriptor = supervisor.workersDescriptor] in
            end.comes {
                var server = WorkerServer(ScriptedEngine(), try Channel(descriptor: descriptor)) { _ in }
                try server.run()
            }
        }
        try supervisor.send(prepare(1, "a"))
        #expect(try supervisor.next(1) == [prepared(1, tokens: 1)])
        try supervisor.send(start(1, 1))
        let frames = try supervisor.next(2)
        #expect(refusal(frames[0]) == "OK: ")
        // With nothing to do it says every second that it is there.
        let progress = FromWorker.progress(FromWorker.Progress())
        #expect(try supervisor.next(2) == [progress, progress])
        try supervisor.leave()
        #expect(throws: Channel.Closed.self) { try end.get() }
    }
}

/// How a loop in another thread ended.
private final class LoopEnd: Sendable {
    private let outcome = Mutex(Result<Void, any Error>.success(()))
    private let ended = DispatchSemaphore(value: 0)

    func comes(_ body: () throws -> Void) {
        let result = Result(catching: body)
        outcome.withLock { $0 = result }
        ended.signal()
    }

    func get() throws {
        try #require(ended.wait(timeout: .now() + 20) == .success, "the loop did not end within 20 s")
        try outcome.withLock { $0 }.get()
    }
}
