import Configuration
import Messages
import Supervisor
import Testing
import Time
import Wire

/// Who may do what.
@Suite struct RoleTests {
    private static let open: [ControlMethod] = [.status, .watch, .events, .metrics]

    private func serving(allowsOthers: Bool = true) -> CoreWorld {
        var limits = CoreWorld.limits
        limits.allowOtherUsers = allowsOthers
        limits.maxOutputBytes = 100_000
        limits.maxConnections = 100
        limits.memoryBudget = 1 << 20
        return .serving(limits: limits)
    }

    private func greeted(_ world: CoreWorld, as user: UInt32) -> ClientID {
        let client = world.connect(user: user)
        world.greet(client)
        return client
    }

    private func answer(_ world: CoreWorld, _ client: ClientID, _ method: ControlMethod) throws -> Response {
        let stream = try #require(world.call(client, method.rawValue))
        for _ in 0..<100 where world.clients[client]?.calls[stream] != nil {
            world.now += .milliseconds(10)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        #expect(world.clients[client]?.calls[stream] == nil, "\(method) has no answer")
        return try #require(world.lastControl)
    }

    @Test(arguments: ControlMethod.allCases.filter { !open.contains($0) })
    func row51WhatIsForOperatorsIsRefusedToOthersByTheNameOfTheSetting(_ method: ControlMethod) throws {
        let world = serving()
        for user in [8, CoreWorld.gatewayUser] {
            let refused = try answer(world, greeted(world, as: user), method)
            #expect(refused.status == .permissionDenied)
            #expect(refused.message.contains("is for operators, and user \(user) is none"), "\(refused.message)")
            #expect(refused.message.hasSuffix("setting operators"))
        }
        for user in [0, 7, CoreWorld.operatorUser] {
            #expect(try answer(world, greeted(world, as: user), method).status != .permissionDenied)
        }
        #expect(world.refusals.isEmpty, "their connections go on")
    }

    @Test func othersAskModelsAndForTheStatus() throws {
        let world = serving()
        let client = greeted(world, as: 8)
        for method in [ControlMethod.status, .metrics] {
            #expect(try answer(world, client, method).status == .ok)
        }
        for method in [ControlMethod.watch, .events] {
            let stream = try #require(world.call(client, method.rawValue))
            #expect(world.clients[client]?.calls[stream] != nil, "it goes on")
        }
        let before = world.answers[.ok] ?? 0
        let stream = try #require(world.call(client, CoreHistoryTests.embed, model: "a", bytes: 5))
        for _ in 0..<100 where world.clients[client]?.calls[stream] != nil {
            world.now += .milliseconds(10)
            world.settle()
            for id in world.processes.keys.sorted() { world.work(id) }
        }
        #expect(world.answers[.ok] == before + 1)
    }

    @Test func aChangeOfTheSettingCountsForThoseWhoAreConnected() throws {
        let world = serving()
        let client = greeted(world, as: 8)
        #expect(try answer(world, client, .cacheList).status == .permissionDenied)
        var limits = CoreWorld.limits
        limits.operators = [8]
        world.operators = [8]
        world.tell(.configured(limits))
        #expect(try answer(world, client, .cacheList).status == .ok)
    }

    @Test func row51WhoIsNamedNowhereMayNotConnect() {
        let world = serving(allowsOthers: false)
        for user in [CoreWorld.operatorUser, CoreWorld.gatewayUser] { _ = greeted(world, as: user) }
        #expect(world.refusals.isEmpty)
        _ = world.connect(user: 8)
        #expect(world.refusals.map(\.code) == [.permissionDenied])
        let message = world.refusals.first?.message ?? ""
        for setting in ["allow_other_users", "operators", "gateways"] { #expect(message.contains(setting)) }
    }

    /// What others ask for, and by which names, is not for everybody.
    @Test func whatConcernsOtherClientsIsToldToOperatorsAlone() throws {
        for (user, count) in [(UInt32(8), 1), (CoreWorld.operatorUser, 3)] {
            let world = serving()
            let label = try #require(world.answer).request
            func happen(_ happening: Happening, _ message: String = "secret") {
                world.tell(.noted(happening, ServerEvent(severity: .error, message: message)))
            }
            happen(.replayed(label, cause: "before"))
            let client = greeted(world, as: user)
            let request = EventsRequest(severity: .error, recent: 10).encode()
            _ = try #require(world.call(client, ControlMethod.events.rawValue, payload: request))
            let caller = Caller(user: 1, process: 1)
            happen(.refused(.model, Refusal(.notFound, ""), caller))
            happen(.unloaded(model: "a"), "unloaded")
            #expect(world.events.count == count)
            #expect(world.events.map(\.number) == (1...UInt64(count)).map { $0 }, "what is withheld is not missed")
            #expect(world.events.contains { $0.message.contains("secret") } == (count > 1))
        }
    }

    @Test func onlyAGatewayMayNameATenant() throws {
        let world = serving()
        for (user, tenant, status) in [
            (UInt32(8), "x", StatusCode.invalidArgument), (7, "x", .invalidArgument), (CoreWorld.gatewayUser, "x", .ok),
            (CoreWorld.gatewayUser, String(repeating: "x", count: 129), .invalidArgument), (8, "", .ok),
        ] {
            let client = greeted(world, as: user)
            let before = world.answers[status] ?? 0
            let stream = try #require(world.call(client, CoreHistoryTests.embed, model: "a", bytes: 5, tenant: tenant))
            for _ in 0..<100 where world.clients[client]?.calls[stream] != nil {
                world.now += .milliseconds(10)
                world.settle()
                for id in world.processes.keys.sorted() { world.work(id) }
            }
            #expect(world.answers[status] == before + 1, "user \(user), tenant '\(tenant)'")
            world.tell(.disconnected(client))
        }
    }
}
