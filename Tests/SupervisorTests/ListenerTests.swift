import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// Clients that are told what happens.
@Suite struct ListenerTests {
    let world: CoreWorld

    init() {
        var limits = CoreWorld.limits
        limits.maxOutputBytes = 20_000
        world = CoreWorld(seed: 1, limits: limits, isCalm: true)
    }

    private func listen(_ request: EventsRequest = EventsRequest()) throws -> (ClientID, stream: UInt64) {
        let client = world.connect()
        world.greet(client)
        let stream = world.call(client, ControlMethod.events.rawValue, payload: request.encode())
        return (client, try #require(stream))
    }

    private func happen(_ severity: Severity = .warning, _ message: String = "") {
        world.tell(.noted(.stopped, ServerEvent(severity: severity, message: message)))
    }

    @Test func whoListensIsToldAtOnceWhatMattersEnough() throws {
        _ = try listen(EventsRequest(severity: .notice))
        for severity in Severity.allCases { happen(severity) }
        #expect(world.events.map(\.severity) == [.notice, .warning, .error])
        #expect(world.events.map(\.number) == [1, 2, 3])
    }

    @Test func whatHasHappenedBeforeComesFirst() throws {
        for number in 0..<150 { happen(number % 2 == 0 ? .warning : .debug, "\(number)") }
        _ = try listen(EventsRequest(recent: 2))
        happen(.warning, "now")
        #expect(world.events.map(\.message) == ["146", "148", "now"])
        _ = try listen(EventsRequest(severity: .trace, recent: 1000))
        #expect(world.events.count == 103, "the last 100 are kept")
    }

    /// Its memory is bounded, it is not disconnected, and the others are told all the same.
    @Test func whoDoesNotReadMissesEventsAndTheNumbersSayHowMany() throws {
        let (client, _) = try listen()
        world.clients[client]?.isDeaf = true
        for _ in 0..<1000 { happen() }
        let sent = world.events.count
        #expect(sent > 0 && sent < 300)
        _ = try listen()
        happen()
        #expect(world.events.count == sent + 1)
        world.clients[client]?.isDeaf = false
        world.settle()
        happen()
        #expect(world.events.suffix(2).map(\.number).sorted() == [2, 1002])
    }

    /// The stream's number may be used again.
    @Test func whoIsCancelledIsToldNothing() throws {
        let (client, stream) = try listen()
        world.tell(.frame(client, .cancel(Cancel(streamID: stream))))
        happen()
        #expect(world.events.isEmpty && world.clients[client]?.calls.isEmpty == true)
    }

    @Test func theEndOfTheServerIsToldToTheLast() throws {
        let world = CoreWorld.serving()
        let client = try #require(world.clients.keys.first)
        _ = world.call(client, ControlMethod.events.rawValue, payload: EventsRequest().encode())
        world.tell(.stop)
        for _ in 0..<100 where !world.core.isFinished {
            world.now += .milliseconds(100)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        #expect(world.events.contains { $0.message.hasPrefix("worker ended: ") })
        #expect(world.lastControl?.status == .unavailable)
    }
}
