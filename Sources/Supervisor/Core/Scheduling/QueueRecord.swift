import Configuration
import Time

/// The requests of one model variant and the workers that can take them.
///
/// Clients take turns by start-time fair queueing (see `FairShare`): each has a virtual time, which advances by tokens / weight
/// when a request of it is assigned, and the smallest goes first. Present is where the requests are that were started last, so
/// that a client which comes now goes before whatever is assigned and not started.
final class QueueRecord {
    let id: QueueID
    var policy: QueuePolicy
    /// Those who have asked. Some have nothing here any more, and are remembered as long as they are not many.
    private var clients: [ClientKey: ClientQueue] = [:]
    private var owners: [ClientKey.Owner: ClientOwner] = [:]
    /// Clients with queued requests, by the virtual times at which these start.
    private var turns = LazyHeap<Double, ClientQueue>()
    private var present = 0.0
    /// Clients, and owners of clients, that have waiting requests.
    private var activeClients = 0
    private var activeOwners = 0
    private(set) var queued = 0
    private(set) var queuedTokens = 0
    private(set) var assigned = 0
    private(set) var assignedTokens = 0
    private(set) var started = 0
    /// In the order in which they became ready; draining ones are not here.
    var workers: [WorkerRecord] = []
    /// While set, requests are refused with it instead of queued.
    var closed: Refusal?
    var costs = CostModel()
    var budget = ReplayBudget()
    var answered: UInt64 = 0
    var failed: UInt64 = 0
    var replays: UInt64 = 0
    var dirty = false

    init(id: QueueID, policy: QueuePolicy, closed: Refusal?) {
        self.id = id
        self.policy = policy
        self.closed = closed
    }

    var waiting: Int { queued + assigned }

    var waitingTokens: Int { queuedTokens + assignedTokens }

    /// Whether several clients wait.
    var isShared: Bool { activeClients > 1 }

    // MARK: - Clients

    func client(_ key: ClientKey) -> ClientQueue {
        if let known = clients[key] { return known }
        if clients.count >= 2 * activeClients + 64 {
            clients = clients.filter { $0.value.waiting > 0 }
            owners = owners.filter { $0.value.active > 0 }
        }
        let owner = owners[key.owner] ?? ClientOwner()
        owners[key.owner] = owner
        let client = ClientQueue(key, owner: owner)
        clients[key] = client
        return client
    }

    private func enter(_ client: ClientQueue) {
        guard client.waiting == 1 else { return }
        activeClients += 1
        client.owner.active += 1
        if client.owner.active == 1 { activeOwners += 1 }
    }

    private func leave(_ client: ClientQueue) {
        guard client.waiting == 0 else { return }
        activeClients -= 1
        client.owner.active -= 1
        if client.owner.active == 0 { activeOwners -= 1 }
    }

    /// Its part of what is its owner's, whether it waits already or is to.
    private func weight(of client: ClientQueue) -> Double {
        1 / Double(client.owner.active + (client.waiting == 0 ? 1 : 0))
    }

    /// The request that gives up its place in a full queue to one of `client`: of whoever has most beyond its share. Nil when
    /// `client` itself has its share.
    func displaced(by client: ClientQueue) -> RequestRecord? {
        let isNew = client.waiting == 0
        let sharing = activeOwners + (client.owner.active == 0 ? 1 : 0)
        func share(of other: ClientQueue) -> Int {
            let connections = other.owner.active + (isNew && other.owner === client.owner ? 1 : 0)
            return max(1, policy.maxQueueSize / (sharing * connections))
        }
        guard client.waiting < share(of: client) else { return nil }
        var most = 0
        var greedy: ClientQueue?
        for other in clients.values where other.queued > 0 && other !== client {
            let excess = other.waiting - share(of: other)
            if excess > most || excess == most && excess > 0 && other.rank < greedy?.rank ?? other.rank {
                (most, greedy) = (excess, other)
            }
        }
        return greedy?.popLate()
    }

    // MARK: - What becomes of requests

    func enqueue(_ request: RequestRecord) {
        let client = request.client
        client.insert(request)
        queued += 1
        queuedTokens += request.tokens
        enter(client)
        // Whoever comes back is owed nothing for its absence.
        if client.queued == 1 { takeTurn(client, at: max(present, client.finish)) }
    }

    private func takeTurn(_ client: ClientQueue, at turn: Double) {
        client.turn = turn
        turns.insert(client, key: client.turn)
        turns.compact(live: activeClients) { Self.hasTurn($0) }
    }

    private static func hasTurn(_ entry: LazyHeap<Double, ClientQueue>.Entry) -> Bool {
        entry.element.queued > 0 && entry.element.turn == entry.key
    }

    /// The queued request whose turn it is. It stays.
    func next() -> RequestRecord? { turns.first { Self.hasTurn($0) }?.element.next() }

    /// The same request has got a worker.
    func assign(_ request: RequestRecord) {
        let client = request.client
        let weight = weight(of: client)
        client.take(request)
        queued -= 1
        queuedTokens -= request.tokens
        turns.removeTop()
        request.turn = client.turn
        let owed = Double(request.tokens) + client.debt
        client.finish = client.turn + max(1, owed) / weight
        client.debt = min(0, owed - 1)
        if client.queued > 0 { takeTurn(client, at: client.finish) }
        assigned += 1
        assignedTokens += request.tokens
        client.assigned += 1
        client.assignedTokens += request.tokens
    }

    /// An assigned request turns out to have so many tokens.
    func count(_ request: RequestRecord, tokens: Int) {
        let change = tokens - request.tokens
        assignedTokens += change
        request.client.assignedTokens += change
        request.tokens = tokens
    }

    func start(_ request: RequestRecord) {
        unassign(request)
        started += 1
        present = max(present, request.turn)
    }

    private func unassign(_ request: RequestRecord) {
        assigned -= 1
        assignedTokens -= request.tokens
        request.client.assigned -= 1
        request.client.assignedTokens -= request.tokens
        leave(request.client)
    }

    /// A request leaves from where it is.
    func remove(_ request: RequestRecord) {
        switch request.phase {
        case .queued:
            queued -= 1
            queuedTokens -= request.tokens
            request.client.remove(request)
            leave(request.client)
        case .assigned: unassign(request)
        case .started: started -= 1
        case .finished: break
        }
    }

    // MARK: - How much is before a request

    /// Tokens that wait and are computed before a request that is to come, in its fair turn; when these are more than `limit`,
    /// some number beyond it.
    func tokens(before request: RequestRecord, limit: Double) -> Double {
        let client = request.client
        let own = client.tokens(before: request, limit: limit)
        var sum = own
        guard sum <= limit else { return sum }
        let turns = (own + Double(request.tokens)) / weight(of: client)
        for other in clients.values where other !== client && other.waiting > 0 {
            sum += min(Double(other.waitingTokens), turns * weight(of: other))
        }
        return sum
    }

    /// Lets go of the requests, answered ones too, which name this queue.
    func forgetRequests() {
        for client in clients.values { client.forgetRequests() }
        clients = [:]
        turns = LazyHeap()
    }
}
