import Configuration
import Messages
import Time
import Wire

/// One client: who it is, and which of its streams wait for an answer.
///
/// | state    | Hello        | another frame   | malformed frame     | oversize prefix | end of input                       |
/// |----------|--------------|-----------------|---------------------|-----------------|------------------------------------|
/// | greeting | → open       | → closing       | → closing           | → closing       | gone once its output is written    |
/// | open     | → closing    | handled         | answered, stays     | → closing       | gone once all is answered and read |
/// | closing  | –            | –               | –                   | –               | gone once its output is written    |
///
/// Whatever it is doing, it is gone at once, and its requests cancelled, when it hangs up, when more output waits for it
/// than is allowed, and when `closing` is over. Of a client that is gone nothing is handled or kept, not even what
/// arrived together with the frame that ended it. A frame that stays half is as one that is none and ends the stream.
struct Client {
    enum State {
        /// Its Hello is due.
        case greeting(until: Instant)
        case open
        /// Nothing more is read; it is closed when its output is written, or at the latest then.
        case closing(until: Instant)
    }

    let user: UInt32
    let process: Int32
    var state: State
    /// Unanswered inference requests by stream.
    var requests: [UInt64: RequestID] = [:]
    /// Unanswered control calls, by stream. Who waits for them names the client by its number, and keeps nothing of it.
    var controlCalls: Set<UInt64> = []
    /// Bytes of output that are held, about as many.
    var waiting = 0
    /// Bytes that are held of a frame that has not arrived as a whole, and since when.
    var input = 0
    var frameSince: Instant?
    /// Whether it sends nothing more.
    var isInputOver = false
    /// Bytes of its unanswered requests.
    var pending = 0

    /// What it holds that nobody has agreed to.
    var unfinished: Int { input + waiting }

    var isClosing: Bool {
        if case .closing = state { true } else { false }
    }

    /// When it has to have said Hello, sent the rest of a frame, or read what waits for it.
    var deadline: Deadline {
        switch state {
        case .greeting(let until), .closing(let until): .at(until)
        // A second more for each mebibyte that it has sent.
        case .open: Deadline(frameSince.map { $0 + Clients.frameTimeout + .milliseconds(input >> 10) })
        }
    }

    func isInFlight(_ stream: UInt64) -> Bool { requests[stream] != nil || controlCalls.contains(stream) }
}

/// All clients, and what is said to them. Who is sent something here may have left; nothing happens then.
struct Clients {
    /// What a frame of a client asks for.
    enum Command {
        /// A call on a stream that is free.
        case call(Request)
        case cancel(RequestID)
    }

    static let greetingTimeout = Duration.seconds(5)
    static let closingTimeout = Duration.seconds(2)
    static let frameTimeout = Duration.seconds(5)

    var limits: ServerConfiguration { didSet { memory.limit = Self.budget(limits) } }
    var memory: MemoryBudget
    let userID: UInt32
    private(set) var table: [ClientID: Client] = [:]
    /// Clients that have a deadline.
    private var timed: Set<ClientID> = []
    var watches: [Watch] = []
    /// What has happened last, for those who begin to listen.
    var recent: [(event: ServerEvent, role: Role)] = []
    /// Requests whose clients have left, which nobody has cancelled yet.
    var abandoned: [RequestID] = []
    /// What the shell is to do.
    var effects: [Effect] = []

    /// - Parameter userID: whose server it is.
    init(limits: ServerConfiguration, userID: UInt32) {
        self.limits = limits
        self.userID = userID
        memory = MemoryBudget(limit: Self.budget(limits))
    }

    /// Whatever is set, the largest frame can be received and computed.
    private static func budget(_ limits: ServerConfiguration) -> Int {
        max(limits.memoryBudget, 5 * limits.maxFrameBytes)
    }

    var count: Int { table.count }

    /// Who a client is, for what is told; the server's own user when it has left.
    func caller(_ id: ClientID) -> Caller {
        let client = table[id]
        return Caller(user: client?.user ?? userID, process: client?.process ?? 0)
    }

    var hasOutput: Bool { table.values.contains { $0.waiting > 0 } }

    /// When `timer` is due, or a watch.
    var deadline: Deadline {
        let earliest = watches.reduce(Deadline.never) { min($0, $1.nextStatus) }
        return timed.reduce(earliest) { min($0, table[$1]?.deadline ?? .never) }
    }

    // MARK: - Coming and going

    mutating func connected(_ id: ClientID, user: UInt32, process: Int32, at now: Instant) {
        table[id] = Client(user: user, process: process, state: .greeting(until: now + Self.greetingTimeout))
        timed.insert(id)
        let hello = Hello(
            protocolVersion: WireProtocol.version,
            softwareVersion: WireProtocol.softwareVersion,
            maxFrameBytes: UInt32(clamping: limits.maxFrameBytes),
            maxInFlight: UInt32(clamping: limits.maxInFlight)
        )
        send(.hello(hello), to: id)
        if role(of: user) == nil {
            let message =
                "this server serves user \(userID) and root, and the caller is user \(user): set allow_other_users, or add the "
                + "user to operators or gateways, in modeld's settings"
            refuse(id, Refusal(.permissionDenied, message), at: now)
        } else if table.count > limits.maxConnections {
            let message = "the server has \(limits.maxConnections) connections already (max_connections)"
            refuse(id, Refusal(.resourceExhausted, message, retryAfter: .seconds(1)), at: now)
        }
    }

    /// Tells the client why, and closes the connection when it has been written.
    mutating func refuse(_ id: ClientID, _ refusal: Refusal, at now: Instant) {
        guard let client = table[id], !client.isClosing else { return }
        abandonRequests(of: id)
        hold(id, unfinished: 0, since: nil)
        turnAway(.connection, id, stream: 0, refusal)
        send(.goAway(GoAway(reason: refusal.message)), to: id)
        guard table[id] != nil else { return }
        table[id]?.state = .closing(until: now + Self.closingTimeout)
        timed.insert(id)
        effects.append(.discardInput(id))
    }

    /// Forgets the client: its requests are cancelled.
    mutating func disconnect(_ id: ClientID) {
        abandonRequests(of: id)
        guard let client = table.removeValue(forKey: id) else { return }
        memory.unfinished -= client.unfinished
        timed.remove(id)
        effects.append(.disconnect(id))
    }

    private mutating func abandonRequests(of id: ClientID) {
        guard let client = table[id] else { return }
        abandoned += client.requests.values.sorted()
        watches.removeAll { $0.call.client == id }
        table[id]?.controlCalls.removeAll()
    }

    /// Takes leave of all of them; what they have asked is still answered.
    mutating func goAway(_ refusal: Refusal) {
        for id in table.keys.sorted() { sendAway(id) }
        endWatches(refusal) { $0.interval != nil }
    }

    mutating func sendAway(_ id: ClientID) { send(.goAway(GoAway(reason: "the server is shutting down")), to: id) }

    mutating func timer(at now: Instant) {
        for id in timed.sorted() {
            guard let client = table[id], client.deadline.isDue(at: now) else { continue }
            if client.isClosing { disconnect(id) } else { refuse(id, client.lateness(at: now), at: now) }
        }
    }

    // MARK: - What they hold

    /// So much is held of a client's frame that has not arrived as a whole.
    mutating func holds(_ id: ClientID, unfinished bytes: Int, isNew: Bool, at now: Instant) {
        guard let client = table[id], !client.isClosing else { return }
        hold(id, unfinished: bytes, since: bytes == 0 ? nil : isNew ? now : client.frameSince ?? now)
    }

    private mutating func hold(_ id: ClientID, unfinished bytes: Int, since: Instant?) {
        guard let index = table.index(forKey: id) else { return }
        memory.unfinished += bytes - table.values[index].input
        (table.values[index].input, table.values[index].frameSince) = (bytes, since)
        if table.values[index].deadline == .never { timed.remove(id) } else { timed.insert(id) }
    }

    /// The client has ended its side. It gets the answers to what it has asked.
    mutating func inputEnded(_ id: ClientID) {
        table[id]?.isInputOver = true
        hold(id, unfinished: 0, since: nil)
        leaveIfDone(id)
    }

    private mutating func leaveIfDone(_ id: ClientID) {
        guard let client = table[id], client.isInputOver, client.waiting == 0 else { return }
        if client.isClosing || client.requests.isEmpty && client.controlCalls.isEmpty { disconnect(id) }
    }

    /// Whether there is memory for one more request of the client's.
    func admits(_ bytes: Int, of id: ClientID) -> Bool { memory.admits(bytes, beside: table[id]?.pending ?? 0) }

    /// Closes those who hold most, as long as that is too much.
    mutating func keepBudget(at now: Instant) {
        while memory.isExceeded,
            let (id, client) = table.max(by: { ($0.1.unfinished, $1.0) < ($1.1.unfinished, $0.0) })
        {
            let message =
                "requests and answers take \(memory.total) bytes, and this connection's most of them, "
                + "\(client.unfinished); the server's memory_budget is \(memory.limit)"
            let refusal = Refusal(.resourceExhausted, message, retryAfter: .seconds(1))
            if client.input > client.waiting {
                refuse(id, refusal, at: now)
            } else {
                effects.append(.happened(.refused(.connection, refusal, caller(id))))
                disconnect(id)
            }
        }
    }

    // MARK: - What they say

    mutating func received(_ frame: Frame, from id: ClientID, at now: Instant) -> Command? {
        switch (table[id]?.state, frame) {
        case (nil, _), (.closing, _): return nil
        case (.greeting, .hello(let hello)): greeted(by: hello, id, at: now)
        case (.greeting, _):
            refuse(id, Refusal(.failedPrecondition, "the first frame should be Hello"), at: now)
        case (.open, .request(let request)): return isAcceptable(request, id, at: now) ? .call(request) : nil
        case (.open, .cancel(let cancel)): return self.cancel(cancel.streamID, of: id)
        case (.open, .ping(let ping)):
            if !ping.ack { send(.ping(Ping(id: ping.id, ack: true)), to: id) }
        case (.open, .goAway): break
        case (.open, .hello): refuse(id, Refusal(.invalidArgument, "a second Hello"), at: now)
        case (.open, .response):
            refuse(id, Refusal(.invalidArgument, "a client sends no Response"), at: now)
        }
        return nil
    }

    private mutating func greeted(by hello: Hello, _ id: ClientID, at now: Instant) {
        guard hello.protocolVersion == WireProtocol.version else {
            let message =
                "the client speaks version \(hello.protocolVersion) of the protocol and this server, "
                + "\(WireProtocol.softwareVersion), version \(WireProtocol.version): update the older one"
            return refuse(id, Refusal(.failedPrecondition, message), at: now)
        }
        if hello.maxFrameBytes > 0 { effects.append(.limitFrames(id, Int(hello.maxFrameBytes))) }
        table[id]?.state = .open
        if table[id]?.deadline == .never { timed.remove(id) }
    }

    /// A frame that is none; `stream` is its request's, or 0.
    mutating func malformed(_ refusal: Refusal, stream: UInt64, from id: ClientID, at now: Instant) {
        guard let client = table[id], case .open = client.state else { return refuse(id, refusal, at: now) }
        // The answer of a stream that is in flight is still to come.
        turnAway(.frame, id, stream: client.isInFlight(stream) ? 0 : stream, refusal)
    }

    private mutating func isAcceptable(_ request: Request, _ id: ClientID, at now: Instant) -> Bool {
        guard let client = table[id] else { return false }
        let stream = request.streamID
        if stream == 0 {
            turnAway(.stream, id, stream: 0, Refusal(.invalidArgument, "a request's stream_id should not be 0"))
        } else if client.isInFlight(stream) {
            let message = "stream \(stream) was used again before it was answered"
            refuse(id, Refusal(.invalidArgument, message), at: now)
        } else if client.requests.count + client.controlCalls.count >= limits.maxInFlight {
            let message = "the connection has \(limits.maxInFlight) unanswered requests (max_in_flight)"
            turnAway(.stream, id, stream: stream, Refusal(.resourceExhausted, message, retryAfter: .milliseconds(10)))
        } else {
            return true
        }
        return false
    }

    private mutating func cancel(_ stream: UInt64, of id: ClientID) -> Command? {
        if let request = table[id]?.requests[stream] { return .cancel(request) }
        let call = ControlCall(client: id, stream: stream)
        watches.removeAll { $0.call == call }
        finish(call, Refusal(.cancelled, "cancelled by the client"))
        return nil
    }

    // MARK: - What they are told

    /// Sends a frame. A client that has left, or is being closed, is sent nothing more.
    mutating func send(_ frame: Frame, to id: ClientID) {
        guard let index = table.index(forKey: id), !table.values[index].isClosing else { return }
        table.values[index].waiting += frame.approximateBytes
        memory.unfinished += frame.approximateBytes
        effects.append(.send(frame, to: id))
        guard table.values[index].waiting > limits.maxOutputBytes else { return }
        effects.append(.happened(.clientDoesNotRead(caller(id))))
        disconnect(id)
    }

    /// As much of a client's output as could be was written, and this many bytes wait.
    mutating func wrote(_ id: ClientID, waiting: Int) {
        guard let index = table.index(forKey: id) else { return }
        memory.unfinished += waiting - table.values[index].waiting
        table.values[index].waiting = waiting
        if table.values[index].isInputOver { return leaveIfDone(id) }
        // The client reads the rest and then the end, and closes its side.
        if waiting == 0, table.values[index].isClosing { effects.append(.endOutput(id)) }
    }

    mutating func answer(_ id: ClientID, stream: UInt64, _ refusal: Refusal, of label: RequestLabel? = nil) {
        let response = Response(
            streamID: stream,
            status: refusal.code,
            message: refusal.message,
            retryAfterMicroseconds: refusal.retryAfter?.microseconds ?? 0,
            model: label?.model ?? "",
            endOfStream: true,
            requestID: label?.id ?? ""
        )
        send(.response(response), to: id)
    }

    /// Answers what is not to become a request, or a call.
    mutating func turnAway(_ what: Refused, _ id: ClientID, stream: UInt64, _ refusal: Refusal) {
        guard table[id] != nil else { return }
        effects.append(.happened(.refused(what, refusal, caller(id))))
        answer(id, stream: stream, refusal)
    }

    /// An inference request waits on a stream.
    ///
    /// - Returns: who it is counted for.
    mutating func begin(
        _ request: RequestID,
        _ id: ClientID,
        stream: UInt64,
        bytes: Int,
        tenant: String
    ) -> ClientKey {
        table[id]?.requests[stream] = request
        table[id]?.pending += bytes
        memory.pending += bytes
        let user = table[id]?.user ?? userID
        return ClientKey(tenant.isEmpty ? .user(user) : .tenant(tenant, of: user), id)
    }

    /// It gets its answer now.
    mutating func end(_ id: ClientID, stream: UInt64, bytes: Int) {
        table[id]?.requests[stream] = nil
        table[id]?.pending -= bytes
        memory.pending -= bytes
    }

    // MARK: - Control calls

    mutating func begin(_ call: ControlCall) { table[call.client]?.controlCalls.insert(call.stream) }

    /// One of several answers.
    mutating func tell(_ call: ControlCall, payload: [UInt8]) {
        guard table[call.client]?.controlCalls.contains(call.stream) == true else { return }
        send(.response(Response(streamID: call.stream, payload: payload)), to: call.client)
    }

    mutating func finish(_ call: ControlCall, payload: [UInt8]) {
        guard table[call.client]?.controlCalls.remove(call.stream) != nil else { return }
        send(.response(Response(streamID: call.stream, payload: payload, endOfStream: true)), to: call.client)
    }

    mutating func finish(_ call: ControlCall, _ refusal: Refusal) {
        guard table[call.client]?.controlCalls.remove(call.stream) != nil else { return }
        answer(call.client, stream: call.stream, refusal)
    }
}

extension Client {
    /// Why it is closed when its deadline is over.
    fileprivate func lateness(at now: Instant) -> Refusal {
        guard let frameSince else { return Refusal(.deadlineExceeded, "no Hello within 5 s") }
        let message = "a frame was begun \((now - frameSince).milliseconds) ms ago, and is not whole"
        return Refusal(.deadlineExceeded, message)
    }
}

extension Frame {
    /// About as many bytes as it takes.
    fileprivate var approximateBytes: Int {
        switch self {
        case .response(let response):
            48 + response.payload.count + response.message.utf8.count + response.model.utf8.count
        default: 48
        }
    }
}
