import Configuration
import Messages
import Time
import Wire

/// A client that is sent the status again and again, or else what happens.
struct Watch {
    let call: ControlCall
    /// From one status to the next.
    var interval: Duration?
    var nextStatus = Deadline.never
    /// The least that it is told, and how much there was.
    var severity = Severity.error
    var number: UInt64 = 0
}

extension Clients {
    /// As many happenings are kept.
    private static let recentEvents = 100
    /// Who has yet to read as much is not told what happens.
    private var unreadBytes: Int { min(64 << 10, limits.maxOutputBytes / 2) }

    private static let watchesOfOne = 16
    private static let watchesOfAll = 256

    /// Whether a client may watch, or listen. Otherwise the call has its answer.
    private mutating func makesRoom(for call: ControlCall) -> Bool {
        let own = watches.count { $0.call.client == call.client }
        guard own >= Self.watchesOfOne || watches.count >= Self.watchesOfAll else { return true }
        let message = "the connection has \(own) watches, and the server \(watches.count): end one of them first"
        finish(call, Refusal(.resourceExhausted, message, retryAfter: .seconds(1)))
        return false
    }

    mutating func watch(_ call: ControlCall, every interval: Duration, at now: Instant) {
        guard makesRoom(for: call) else { return }
        watches.append(Watch(call: call, interval: interval, nextStatus: .at(now)))
    }

    /// The watches that are due, without those whose client has yet to read what it was sent before.
    mutating func dueWatches(at now: Instant) -> [ControlCall] {
        var due: [ControlCall] = []
        for index in watches.indices where watches[index].nextStatus.isDue(at: now) {
            watches[index].nextStatus = .after(watches[index].interval, from: now)
            if table[watches[index].call.client]?.waiting == 0 { due.append(watches[index].call) }
        }
        return due
    }

    /// Sends the status to a watch, or as the one answer to another call.
    mutating func report(_ call: ControlCall, payload: [UInt8]) {
        guard watches.contains(where: { $0.call == call }) else { return finish(call, payload: payload) }
        send(.response(Response(streamID: call.stream, payload: payload)), to: call.client)
    }

    /// Tells what happens from now on, and before that as much as is asked for of what has happened.
    mutating func listen(_ call: ControlCall, _ request: EventsRequest) {
        guard makesRoom(for: call) else { return }
        let severity = request.severity == .unknown ? .info : request.severity
        watches.append(Watch(call: call, severity: severity))
        let meant = recent.filter {
            $0.event.severity >= severity && ($0.role == .inference || isOperator(call.client))
        }
        for (event, role) in meant.suffix(Int(request.recent)) { tell(event, role) { $0 == call } }
    }

    /// Tells everybody who listens, at once. Who does not read is left out, and sees by the numbers how often.
    ///
    /// - Parameter role: who may be told.
    mutating func tell(_ event: ServerEvent, _ role: Role) {
        recent = recent.suffix(Self.recentEvents - 1) + [(event, role)]
        tell(event, role) { _ in true }
    }

    private mutating func tell(_ event: ServerEvent, _ role: Role, _ isMeant: (ControlCall) -> Bool) {
        for watch in watches
        where watch.severity <= event.severity && watch.interval == nil && isMeant(watch.call)
            && (role == .inference || isOperator(watch.call.client))
        {
            guard let index = watches.firstIndex(where: { $0.call == watch.call }) else { continue }
            watches[index].number += 1
            guard let client = table[watch.call.client], client.waiting < unreadBytes else { continue }
            var event = event
            event.number = watches[index].number
            send(.response(Response(streamID: watch.call.stream, payload: event.encode())), to: watch.call.client)
        }
    }

    mutating func endWatches(_ refusal: Refusal, _ isMeant: (Watch) -> Bool = { _ in true }) {
        let ended = watches.filter(isMeant)
        watches.removeAll(where: isMeant)
        for watch in ended { finish(watch.call, refusal) }
    }
}
