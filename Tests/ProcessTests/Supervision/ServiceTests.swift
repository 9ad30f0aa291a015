import Foundation
import LinuxSystem
import Messages
import ModelClient
import Synchronization
import TestSupport
import Testing
import Time

/// `modeld` under a service manager, such as systemd.
@Suite(.timeLimit(.minutes(10))) struct ServiceTests {
    let folder: TemporaryFolder
    let manager: NotifySocket

    init() throws {
        folder = try TemporaryFolder()
        manager = try NotifySocket(folder("notify"))
    }

    @Test func theServiceManagerIsToldHowTheServerFares() throws {
        let server = try TestServer(models: ["m/1": "w1", "n/1": "w2"]) { command in
            command.environment["NOTIFY_SOCKET"] = manager.name
            command.environment["WATCHDOG_USEC"] = "60000000"
        }
        #expect(try manager.messages(upTo: "READY=1").contains("STATUS=0 of 2 models ready; not m@1:fp32, n@1:fp32"))
        var client = try RawClient.open(server.socket)
        let status = try client.status()
        #expect(status.models.map(\.state) == ["READY", "READY"], "it is ready when they are")
        for worker in status.models.flatMap(\.workers) {
            let environment = try FileContents.readText("/proc/\(worker.pid)/environ")
            #expect(environment.contains("SWIFT_BACKTRACE=") && !environment.contains("NOTIFY_SOCKET"))
            #expect(!environment.contains("WATCHDOG"))
        }

        try server.write("configuration-error", to: "n/1/behaviour")
        let before = MonotonicClock.now.nanoseconds / 1000
        try server.signal(.hangUp)
        let reloading = try #require(try manager.messages(upTo: "RELOADING=1").last)
        let time = try #require(Int64(reloading.split(separator: "=").last ?? ""))
        #expect(reloading == "RELOADING=1\nMONOTONIC_USEC=\(time)")
        #expect((before...MonotonicClock.now.nanoseconds / 1000).contains(time))
        _ = try manager.messages(upTo: "READY=1")
        let reloaded = try client.status().models
        #expect(reloaded.map(\.generation) == [2, 1], "what failed serves on as it was")

        try server.remove("n")
        try server.signal(.hangUp)
        _ = try manager.messages(upTo: "STATUS=1 of 1 models ready")
        try server.signal(.terminate)
        _ = try manager.messages(upTo: "STOPPING=1")
        #expect(try server.waitForExit() == .exited(0))
    }

    /// A loop that is held up is not made to look alive by anything else.
    @Test func row57ALoopThatStandsStillGivesNoSignOfLife() throws {
        let server = try TestServer { command in
            command.environment["NOTIFY_SOCKET"] = manager.name
            command.environment["WATCHDOG_USEC"] = "200000"
        }
        _ = try manager.messages(upTo: "READY=1")
        let start = ContinuousClock.now
        for _ in 0..<5 { _ = try manager.messages(upTo: "WATCHDOG=1") }
        // The first of them may have waited.
        #expect(ContinuousClock.now - start > .milliseconds(250), "no more often than every 100 ms")
        try server.signal(.stop)
        let process = server.processID
        let deadline = ContinuousClock.now + .seconds(20)
        while try !FileContents.readText("/proc/\(process)/stat").contains(") T ") {
            try #require(ContinuousClock.now < deadline)
            usleep(1000)
        }
        while try manager.next(within: .zero) != nil {}
        #expect(try manager.next(within: .seconds(1)) == nil)
        try server.signal(.resume)
        #expect(try manager.messages(upTo: "WATCHDOG=1") == ["WATCHDOG=1"])
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
    }

    @Test func whoeverWantsNoSignsOfThisProcessGetsNone() throws {
        let server = try TestServer { command in
            command.environment["NOTIFY_SOCKET"] = manager.name
            command.environment["WATCHDOG_USEC"] = "200000"
            command.environment["WATCHDOG_PID"] = "1"
        }
        _ = try manager.messages(upTo: "STATUS=1 of 1 models ready")
        try server.signal(.terminate)
        let rest = try manager.messages(upTo: "STATUS=shutting down")
        #expect(rest.allSatisfy { !$0.hasPrefix("WATCHDOG") }, "\(rest)")
    }

    /// Stopped and killed in turn while clients call, and new ones connect; once on a socket of its own, which is away meanwhile,
    /// once on one that was passed, which never is.
    @Test(arguments: [false, true]) func row58NoCallFailsWhenTheServerIsStartedAgain(isPassed: Bool) async throws {
        let socket = folder("passed")
        let load = Load(callers: 6)
        // It blocks, which tasks must not.
        Thread.detachNewThread {
            load.failed(
                in: Result { () throws in
                    guard isPassed else { return try Self.startAgainAndAgain(load, socket: socket) { _ in } }
                    let listener = try UnixListener(path: socket)
                    let descriptor = listener.rawValue
                    try Self.startAgainAndAgain(load, socket: socket) { Self.pass(descriptor, &$0) }
                    listener.close()
                }
            )
        }
        await withTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                group.addTask {
                    // Half of them stay, the others come anew for each call.
                    let calls = number % 2 == 0 ? Int.max : 1
                    while !load.isOver { await load.call(at: socket, times: calls, "\(number)") }
                    load.left()
                }
            }
        }
        let (answers, failures) = load.outcome
        #expect(failures.isEmpty, "\(failures.prefix(3))")
        #expect(answers > 200)
    }

    private static func startAgainAndAgain(_ load: Load, socket: String, _ change: TestServer.Change) throws {
        let server = try TestServer(socket: socket, change)
        for signal in [Signal.terminate, .kill, .terminate, .kill] {
            try load.waitForAnswers(50)
            try server.signal(signal)
            let exit = try server.waitForExit()
            #expect(exit == (signal == .kill ? .killed(.kill, coreDumped: false) : .exited(0)))
            try server.start(change)
        }
        try load.waitForAnswers(50)
        // The last server answers what it has been asked.
        try load.end()
    }

    /// Starts the program as systemd does, with one socket: its own number is known only when it runs.
    private static func pass(_ descriptor: Int32, _ command: inout ChildCommand) {
        command.arguments = ["-c", #"export LISTEN_PID=$$; exec "$0" "$@""#, command.executable] + command.arguments
        command.executable = "/bin/sh"
        command.environment["LISTEN_FDS"] = "1"
        command.environment["LISTEN_FDNAMES"] = "modeld.socket"
        command.descriptors[3] = descriptor
    }
}

/// Calls that are made until it is over, and what came of them.
private final class Load: Sendable {
    private struct State {
        var answers = 0
        var failures: [String] = []
        var callers: Int
        var isOver = false
    }

    private let state: Mutex<State>

    init(callers: Int) { state = Mutex(State(callers: callers)) }

    var isOver: Bool { state.withLock { $0.isOver } }

    func left() { state.withLock { $0.callers -= 1 } }

    /// Waits until no call is under way.
    func end() throws {
        state.withLock { $0.isOver = true }
        try wait("the end of all calls") { $0.callers == 0 }
    }

    func failed(in result: Result<Void, any Error>) {
        state.withLock { state in
            state.isOver = true
            if case .failure(let error) = result { state.failures.append("\(error)") }
        }
    }

    var outcome: (answers: Int, failures: [String]) { state.withLock { ($0.answers, $0.failures) } }

    func call(at socket: String, times: Int, _ name: String) async {
        do {
            try await withModelClient(at: socket) { client in
                for number in 0..<times {
                    if isOver { return }
                    let payload = Array("echo \(name)-\(number)".utf8)
                    let answer = try await client.call(
                        method: "inference.v1.Inference/Classify",
                        model: "m",
                        payload: payload
                    )
                    let isRight = answer.payload == Array("w1:\(name)-\(number)".utf8)
                    state.withLock { if isRight { $0.answers += 1 } else { $0.failures.append("a wrong answer") } }
                }
            }
        } catch {
            state.withLock { $0.failures.append("\(error)") }
        }
    }

    /// Waits for so many more.
    func waitForAnswers(_ count: Int) throws {
        let goal = state.withLock { $0.answers } + count
        try wait("\(count) more answers") { $0.answers >= goal || !$0.failures.isEmpty }
    }

    private func wait(_ what: String, until isMet: (State) -> Bool) throws {
        // The threads on which callers run may be other tests' for a while.
        let deadline = ContinuousClock.now + .seconds(300)
        while !state.withLock({ isMet($0) }) {
            guard ContinuousClock.now < deadline else { throw RawClient.Failure(description: "\(what) did not come") }
            usleep(1000)
        }
    }
}
