import Configuration
import Messages
import Supervisor
import Testing
import Time
import Topology

/// How it is set.
extension CoreWorld {
    static let operatorUser: UInt32 = 9
    static let gatewayUser: UInt32 = 11

    static let limits: ServerConfiguration = {
        var limits = ServerConfiguration()
        limits.maxInFlight = 20
        limits.maxConnections = 5
        limits.maxOutputBytes = 6000
        limits.maxFrameBytes = 16 << 10
        limits.memoryBudget = 100_000
        limits.stallTimeout = .seconds(1)
        limits.loadTimeout = .seconds(5)
        limits.drainTimeout = .seconds(3)
        limits.cacheMaxBytes = 20
        limits.operators = [operatorUser]
        limits.gateways = [gatewayUser]
        return limits
    }()
}

/// What holds after every event.
extension CoreWorld {
    func check() {
        let (status, known) = (core.status(), core.unanswered)
        #expect(untold.isEmpty, "the log does not know the requests \(untold)")
        let open = clients.values.filter { !$0.isRefused }.flatMap(\.calls.values).count { call in
            if case .inference = call { true } else { false }
        }
        #expect(known.requests == open, "of \(open) calls, \(known.requests) are known")
        #expect(status.bufferedBytes <= status.memoryBudget)
        for client in clients.values {
            let isDone = client.hasEnded && client.calls.isEmpty && !client.isDeaf
            #expect(!isDone, "a client that has ended its side and got all its answers is there")
            guard let (bytes, since) = client.half else { continue }
            let late = since + .seconds(5) + .milliseconds(bytes >> 10)
            #expect(now < late, "a frame may stay half for ever")
        }
        #expect(Int(status.connections) == clients.count)
        for model in status.models where model.state == "UNAVAILABLE" {
            #expect(model.queued == 0, "requests wait for \(model.name), which nobody serves")
        }
        for slot in Set(processes.values.map(\.slot.id)) {
            let busy = processes.values.filter { $0.slot.id == slot && $0.end == nil && !$0.batches.isEmpty }
            // Beside one that has taken too long another model goes on.
            let models = Set(busy.compactMap(\.load).map { "\($0.name)@\($0.version):\($0.variant)" })
            #expect(busy.count <= 2 && models.count == busy.count, "\(models) compute on slot \(slot)")
        }
        let ready = Set(status.models.filter { $0.state == "READY" }.map(\.name))
        if status.state == "DRAINING" { working = [] }
        working.subtract(status.held.map { String($0.prefix { $0 != "@" }) })
        #expect(working.isSubset(of: ready), "\(working.subtracting(ready)) served, and nothing was in its way")
        working.formUnion(ready.subtracting(doubtful))
    }
}
