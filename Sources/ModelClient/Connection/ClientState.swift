import Messages
import Wire

/// Decides what a client does: which call goes to which connection, what is sent again, when to connect.
///
/// Pure: time is passed in, and what is to be done comes back as actions. `ClientCore` performs them.
///
/// The link, with its legal exits:
/// - `idle`: `run` has not started. → `delayed`, `closed`
/// - `delayed`: the next attempt to connect is scheduled. → `connecting`, `closed`
/// - `connecting`: until the server's greeting. → `open`, `delayed`, `closed`
/// - `open`: calls are sent. → `delayed` (lost, or going away), `closed`
/// - `closed`: shut down. No exit.
struct ClientState {
    typealias ConnectionID = Int

    enum Action {
        /// Connect, after a delay in nanoseconds.
        case connect(ConnectionID, delay: UInt64)
        case send(Call, ConnectionID)
        /// Nothing: the call's connection takes it no more, and it is sent again on the next one.
        case waitsAgain(Call)
        case sendCancel(streamID: UInt64, ConnectionID)
        case finish(Call, Result<Response, ModelClientError>)
        case close(ConnectionID)
        /// Nothing is left to do after a shutdown.
        case finished
    }

    /// Why a connection ended, or could not be made.
    enum End {
        case lost
        /// Nobody listens at the socket.
        case away
        /// The server broke the protocol: its unanswered calls are not sent again.
        case fault
    }

    private enum Link {
        case idle
        case delayed(ConnectionID)
        case connecting(ConnectionID)
        case open(Connection)
        case closed
    }

    private struct Connection {
        var id: ConnectionID
        /// Unanswered requests; the server's limit, with 0 for none.
        var inFlight = 0
        var maximumInFlight: Int
        /// Whether the socket's buffer has room.
        var isWritable = true
        var mayTakeMore: Bool { isWritable && (maximumInFlight == 0 || inFlight < maximumInFlight) }
    }

    private struct Entry {
        var call: Call
        /// The connection that it was sent on; nil while it waits.
        var sentOn: ConnectionID?
    }

    /// How long after its deadline a call that the server has is given up: the server's own answer comes first.
    static let backstop: UInt64 = 250_000_000

    private let path: String
    private let waitsForConnection: Bool
    private var backoff: Backoff
    private var link = Link.idle
    private var nextConnection = 1
    private var calls: [UInt64: Entry] = [:]
    /// Calls in the order in which they are to be sent; those that ended meanwhile are skipped.
    private var waiting = CallQueue()
    /// Connections that take no more calls but still answer, and how many they owe.
    private var leaving: [ConnectionID: Int] = [:]
    private var isDraining = false
    private var lastFailure: ModelClientError?

    init(path: String, waitsForConnection: Bool, backoff: Backoff) {
        self.path = path
        self.waitsForConnection = waitsForConnection
        self.backoff = backoff
    }

    /// When the earliest deadline passes, backstop included; nil when no call has one.
    var nextDeadline: UInt64? {
        calls.values.lazy.map(Self.expiry).filter { $0 != .max }.min()
    }

    private static func expiry(_ entry: Entry) -> UInt64 {
        entry.sentOn == nil || entry.call.deadline == .max
            ? entry.call.deadline : entry.call.deadline &+ Self.backstop
    }

    // MARK: - The connection

    mutating func start() -> [Action] {
        guard case .idle = link else { return [] }
        return [connect(delay: 0)]
    }

    private mutating func connect(delay: UInt64) -> Action {
        let id = nextConnection
        nextConnection += 1
        link = .delayed(id)
        return .connect(id, delay: delay)
    }

    /// The delay has passed.
    ///
    /// - Returns: whether to connect; false when the client was shut down meanwhile.
    mutating func connecting(_ id: ConnectionID) -> Bool {
        guard case .delayed(id) = link else { return false }
        link = .connecting(id)
        return true
    }

    /// The server's greeting has arrived.
    mutating func opened(_ id: ConnectionID, maximumInFlight: Int) -> [Action] {
        guard case .connecting(id) = link else { return [.close(id)] }
        link = .open(Connection(id: id, maximumInFlight: maximumInFlight))
        lastFailure = nil
        backoff.met()
        var actions: [Action] = []
        sendWaiting(&actions)
        return actions
    }

    mutating func writabilityChanged(_ id: ConnectionID, isWritable: Bool) -> [Action] {
        guard case .open(var connection) = link, connection.id == id else { return [] }
        connection.isWritable = isWritable
        link = .open(connection)
        var actions: [Action] = []
        sendWaiting(&actions)
        return actions
    }

    /// The server takes no new calls on this connection.
    mutating func goAway(_ id: ConnectionID) -> [Action] {
        guard case .open(let connection) = link, connection.id == id else { return [] }
        var actions: [Action] = []
        if connection.inFlight > 0 {
            leaving[id] = connection.inFlight
        } else {
            actions.append(.close(id))
        }
        if isDraining, calls.isEmpty {
            finishShutdown(&actions)
        } else {
            actions.append(connect(delay: backoff.next()))
        }
        return actions
    }

    /// A connection ended, or could not be made.
    mutating func closed(_ id: ConnectionID, _ failure: ModelClientError, _ end: End) -> [Action] {
        var actions: [Action] = []
        let wasLeaving = leaving.removeValue(forKey: id) != nil
        var isCurrent = false
        switch link {
        case .connecting(id): isCurrent = true
        case .open(let connection) where connection.id == id: isCurrent = true
        default: break
        }
        guard isCurrent || wasLeaving else { return [] }
        let lost = calls.filter { $0.value.sentOn == id }.map(\.value.call).sorted { $0.ticket.id < $1.ticket.id }
        for call in lost.reversed() {
            if end == .fault {
                finish(call, failure, &actions)
            } else if call.isPure {
                waitAgain(call, &actions)
            } else {
                finish(call, Self.notSentAgain(failure), &actions)
            }
        }
        if isCurrent {
            lastFailure = failure
            if case .connecting = link, !waitsForConnection || end == .fault { failWaiting(failure, &actions) }
            if isDraining, calls.isEmpty {
                finishShutdown(&actions)
            } else {
                actions.append(connect(delay: backoff.next(isAway: end == .away)))
            }
        } else {
            sendWaiting(&actions)
            if isDraining, calls.isEmpty { finishShutdown(&actions) }
        }
        return actions
    }

    /// The server refused the whole connection, as it does for another user.
    mutating func refused(_ id: ConnectionID, _ failure: ModelClientError) -> [Action] {
        var actions: [Action] = []
        for entry in calls.values where entry.sentOn == id || entry.sentOn == nil {
            finish(entry.call, failure, &actions)
        }
        actions.append(.close(id))
        return actions
    }

    // MARK: - Calls

    mutating func submit(_ call: Call, now: UInt64) -> [Action] {
        var actions: [Action] = []
        if call.ticket.isCancelled {
            finish(call, .cancelled(), &actions)
        } else if isDraining {
            finish(call, Self.wasShutDown, &actions)
        } else if call.deadline <= now {
            finish(call, late(wasSent: false), &actions)
        } else if case .open(var connection) = link, connection.mayTakeMore, waiting.isEmpty {
            connection.inFlight += 1
            link = .open(connection)
            calls[call.ticket.id] = Entry(call: call, sentOn: connection.id)
            actions.append(.send(call, connection.id))
        } else if !waitsForConnection, let lastFailure, case .delayed = link {
            finish(call, lastFailure, &actions)
        } else {
            calls[call.ticket.id] = Entry(call: call, sentOn: nil)
            waiting.append(call.ticket.id)
            sendWaiting(&actions)
        }
        return actions
    }

    /// The call could not be written, its frame being larger than the server accepts.
    mutating func unsendable(_ id: UInt64, _ failure: ModelClientError) -> [Action] {
        guard let entry = calls[id] else { return [] }
        var actions: [Action] = []
        finish(entry.call, failure, &actions)
        release(entry.sentOn, &actions)
        return actions
    }

    mutating func cancel(_ id: UInt64) -> [Action] {
        guard let entry = calls[id] else { return [] }
        return giveUp(entry, .cancelled())
    }

    /// Gives up the calls whose deadline has passed.
    mutating func deadlinePassed(now: UInt64) -> [Action] {
        var actions: [Action] = []
        let late = calls.values.filter { Self.expiry($0) <= now }
        // Those that wait first: they must not be sent in the place of one that is given up.
        for entry in late.filter({ $0.sentOn == nil }) + late.filter({ $0.sentOn != nil }) {
            actions += giveUp(entry, self.late(wasSent: entry.sentOn != nil))
        }
        // Without a connection nothing else takes ended calls out of the queue.
        waiting.keep { calls[$0].map { $0.sentOn == nil } ?? false }
        return actions
    }

    private mutating func giveUp(_ entry: Entry, _ failure: ModelClientError) -> [Action] {
        var actions: [Action] = []
        if let connection = entry.sentOn { actions.append(.sendCancel(streamID: entry.call.ticket.id, connection)) }
        finish(entry.call, failure, &actions)
        release(entry.sentOn, &actions)
        return actions
    }

    /// A response has arrived. One for a call that ended meanwhile is dropped.
    ///
    /// - Parameter deliver: is called with a call and its answer before its end.
    mutating func received(_ response: Response, on id: ConnectionID, deliver: (Call) -> Void) -> [Action] {
        guard let entry = calls[response.streamID], entry.sentOn == id else { return [] }
        guard response.endOfStream else {
            deliver(entry.call)
            return []
        }
        var actions: [Action] = []
        if response.status == .unavailable, entry.call.isPure, leaving[id] != nil {
            // It crossed the server's go-away, and the next connection takes it, which may be open already.
            waitAgain(entry.call, &actions)
            release(id, &actions)
            sendWaiting(&actions)
            return actions
        }
        backoff.reset()
        if response.status == .ok {
            calls[response.streamID] = nil
            actions.append(.finish(entry.call, .success(response)))
        } else {
            finish(entry.call, ModelClientError(response), &actions)
        }
        release(id, &actions)
        return actions
    }

    // MARK: - Shutting down

    /// Takes no more calls; those that there are end first.
    mutating func drain() -> [Action] {
        guard !isDraining else { return [] }
        if case .idle = link { return shutDown() }
        isDraining = true
        var actions: [Action] = []
        if calls.isEmpty { finishShutdown(&actions) }
        return actions
    }

    /// Ends now: every call fails.
    mutating func shutDown() -> [Action] {
        isDraining = true
        var actions: [Action] = []
        for entry in calls.values {
            if let connection = entry.sentOn {
                actions.append(.sendCancel(streamID: entry.call.ticket.id, connection))
            }
            finish(entry.call, Self.wasShutDown, &actions)
        }
        finishShutdown(&actions)
        return actions
    }

    private mutating func finishShutdown(_ actions: inout [Action]) {
        if case .closed = link { return }
        if case .open(let connection) = link { actions.append(.close(connection.id)) }
        if case .connecting(let id) = link { actions.append(.close(id)) }
        for id in leaving.keys { actions.append(.close(id)) }
        leaving = [:]
        link = .closed
        actions.append(.finished)
    }

    // MARK: - Steps

    private mutating func waitAgain(_ call: Call, _ actions: inout [Action]) {
        calls[call.ticket.id]?.sentOn = nil
        waiting.prepend(call.ticket.id)
        actions.append(.waitsAgain(call))
    }

    private mutating func sendWaiting(_ actions: inout [Action]) {
        guard case .open(var connection) = link else { return }
        while connection.mayTakeMore, let id = waiting.popFirst() {
            guard let entry = calls[id], entry.sentOn == nil else { continue }
            calls[id]?.sentOn = connection.id
            connection.inFlight += 1
            actions.append(.send(entry.call, connection.id))
        }
        link = .open(connection)
    }

    /// A connection owes one answer less.
    private mutating func release(_ id: ConnectionID?, _ actions: inout [Action]) {
        if let id {
            if let owed = leaving[id] {
                leaving[id] = owed > 1 ? owed - 1 : nil
                if owed == 1 { actions.append(.close(id)) }
            } else if case .open(var connection) = link, connection.id == id {
                connection.inFlight -= 1
                link = .open(connection)
                if !waiting.isEmpty { sendWaiting(&actions) }
            }
        }
        if isDraining, calls.isEmpty { finishShutdown(&actions) }
    }

    private mutating func failWaiting(_ failure: ModelClientError, _ actions: inout [Action]) {
        while let id = waiting.popFirst() {
            guard let entry = calls[id], entry.sentOn == nil else { continue }
            finish(entry.call, failure, &actions)
        }
    }

    /// Ends a call with a failure, which then names the call's model and request.
    private mutating func finish(_ call: Call, _ failure: ModelClientError, _ actions: inout [Action]) {
        calls[call.ticket.id] = nil
        var failure = failure
        if !call.request.model.isEmpty { failure.model = call.request.model }
        if failure.requestID == nil, !call.request.requestID.isEmpty { failure.requestID = call.request.requestID }
        actions.append(.finish(call, .failure(failure)))
    }

    // MARK: - Failures

    private func late(wasSent: Bool) -> ModelClientError {
        if wasSent { return ModelClientError(code: .deadlineExceeded, message: "no answer came within the timeout") }
        return switch link {
        case .open:
            ModelClientError(
                code: .deadlineExceeded,
                message: "the timeout passed before the call was sent; the server has no room for more"
            )
        case .idle:
            ModelClientError(
                code: .unavailable,
                message: "the client is not running: run() was not called, or its service group has not started it"
            )
        case .delayed, .connecting, .closed:
            ModelClientError(
                code: .unavailable,
                message: "there was no connection to '\(path)' within the timeout; is modeld running?",
                origin: .connection,
                isRetryable: true,
                cause: lastFailure
            )
        }
    }

    private static var wasShutDown: ModelClientError {
        ModelClientError(code: .unavailable, message: "the client has been shut down")
    }

    private static func notSentAgain(_ failure: ModelClientError) -> ModelClientError {
        ModelClientError(
            code: .unavailable,
            message: "the connection was lost after the call was sent, so it may or may not have been done; "
                + "it is not sent again",
            origin: .connection,
            cause: failure
        )
    }
}
