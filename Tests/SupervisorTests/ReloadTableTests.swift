import Messages
import Supervisor
import Testing
import Time
import Wire

/// Walks what a reload may find: each state of the model, and each thing that its folder may be.
@Suite struct ReloadTableTests {
    enum State: CaseIterable {
        case serving
        case loading
        case unavailable
        case ending
    }

    enum Folder: CaseIterable {
        case good
        case unreadable
        case bad
        case gone
    }

    /// The answer, and the state of the model then; nil: it is not there.
    static let table: [State: [Folder: (StatusCode, String?)]] = [
        .serving: [
            .good: (.ok, "READY"), .unreadable: (.invalidArgument, "READY"), .bad: (.failedPrecondition, "READY"),
            .gone: (.ok, nil),
        ],
        .unavailable: [
            .good: (.ok, "READY"), .unreadable: (.invalidArgument, "UNAVAILABLE"),
            .bad: (.failedPrecondition, "UNAVAILABLE"), .gone: (.ok, nil),
        ],
    ]

    @Test(arguments: State.allCases, Folder.allCases)
    func everyFolderInEveryState(state: State, folder: Folder) throws {
        let world = CoreWorld(seed: 1, isCalm: true)
        let client = world.connect()
        world.greet(client)
        func reload() -> UInt64? {
            world.call(client, ControlMethod.reload.rawValue, payload: ReloadRequest(model: "a").encode())
        }
        func work() {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        let variant = "/r/a/1fp32"
        if state == .unavailable { world.behaviours[variant] = .configurationError }
        for _ in 0..<100 { work() }
        world.behaviours[variant] = folder == .bad ? .configurationError : .good
        if state == .loading { #expect(reload() != nil) }
        if state == .ending { world.tell(.stop) }
        switch folder {
        case .good, .bad: break
        case .unreadable: world.folders["a"]?.isUnreadable = true
        case .gone: world.folders["a"] = nil
        }
        let stream = try #require(reload())
        for _ in 0..<100 where world.clients[client]?.calls[stream] != nil { work() }
        let answer = try #require(world.lastControl)
        #expect(answer.streamID == stream)
        let model = world.core.status().models.first { $0.name == "a" }
        switch state {
        case .ending: #expect(answer.status == .unavailable)
        case .loading:
            #expect(try ReloadResponse.decode(answer.payload).results.map(\.status) == [.aborted])
            #expect(model?.state == "READY", "it serves on while the first reload is under way")
        case .serving, .unavailable:
            let (code, after) = try #require(Self.table[state]?[folder])
            #expect(try ReloadResponse.decode(answer.payload).results.map(\.status) == [code])
            #expect(model?.state == after)
        }
    }
}
