import Time

/// An owner of connections that have waiting requests in a model's queue.
final class ClientOwner {
    /// Connections that have.
    var active = 0
}

/// The waiting requests of one client in a model's queue: those of one priority by their deadlines, and the priorities in turn,
/// by weight.
final class ClientQueue: Ranked {
    struct Lane {
        let weight: Double
        var heap = LazyHeap<Deadline, RequestRecord>()
        var queued = 0
        var tokens = 0
        /// None in the heap is more patient.
        var latest = Deadline.at(.start)
        /// Virtual time of the client at which what was taken last ends.
        var finish = 0.0
    }

    let owner: ClientOwner
    let rank: ClientID
    private var lanes = Priority.allCases.map { Lane(weight: $0.weight) }
    private(set) var queued = 0
    private(set) var queuedTokens = 0
    var assigned = 0
    var assignedTokens = 0
    /// Virtual time of the client: where the request starts that was taken last.
    private var present = 0.0
    /// Virtual times of the queue: where the next request starts, and where the one that was taken last ends.
    var turn = 0.0
    var finish = 0.0
    /// Tokens by which requests were larger than estimated when they were charged for; the next ones pay for them.
    var debt = 0.0
    /// Work that it usually claims per byte of a payload; 0 before it has claimed any.
    private var usualClaim = 0.0

    init(_ key: ClientKey, owner: ClientOwner) {
        rank = key.connection
        self.owner = owner
    }

    var waiting: Int { queued + assigned }

    var waitingTokens: Int { queuedTokens + assignedTokens }

    /// How many times as much work as others of its size a request is, by what the client says. A claim counts only beside what
    /// the same client has claimed before, so that who always claims too little, or too much, gains nothing.
    func factor(bytes: Int, claim: Int) -> Double {
        guard bytes > 0, claim > 0 else { return 1 }
        let claimed = min(64, max(0.125, Double(claim) / Double(bytes)))
        usualClaim = usualClaim == 0 ? claimed : usualClaim + 0.05 * (claimed - usualClaim)
        return claimed / usualClaim
    }

    // MARK: - Coming and going

    func insert(_ request: RequestRecord) {
        let place = request.priority.place
        if lanes[place].queued == 0 { lanes[place].latest = .at(.start) }
        lanes[place].heap.insert(request, key: request.urgency)
        lanes[place].latest = max(lanes[place].latest, request.urgency)
        count(request, by: 1)
        lanes[place].heap.compact(live: lanes[place].queued) { $0.element.phase == .queued }
    }

    /// A request has left the queue.
    func remove(_ request: RequestRecord) {
        count(request, by: -1)
        let place = request.priority.place
        if lanes[place].queued == 0 { lanes[place].heap.removeAll() }
    }

    private func count(_ request: RequestRecord, by change: Int) {
        let place = request.priority.place
        lanes[place].queued += change
        lanes[place].tokens += change * request.tokens
        queued += change
        queuedTokens += change * request.tokens
    }

    /// The request whose turn it is. It stays.
    func next() -> RequestRecord? {
        var best: Int?
        for place in lanes.indices.reversed() where lanes[place].queued > 0 {
            if best.map({ start(of: lanes[place]) < start(of: lanes[$0]) }) ?? true { best = place }
        }
        return best.flatMap { lanes[$0].heap.first { $0.element.phase == .queued }?.element }
    }

    /// The same request is assigned.
    func take(_ request: RequestRecord) {
        let place = request.priority.place
        lanes[place].heap.removeTop()
        present = start(of: lanes[place])
        lanes[place].finish = present + Double(max(1, request.tokens)) / lanes[place].weight
        remove(request)
    }

    private func start(of lane: Lane) -> Double { max(present, lane.finish) }

    /// One of the requests that the client can best do without. It is in no heap any more.
    func popLate() -> RequestRecord? {
        for place in lanes.indices where lanes[place].queued > 0 {
            if let entry = lanes[place].heap.popLate(where: { $0.element.phase == .queued }) { return entry.element }
        }
        return nil
    }

    /// Tokens of the client's own that are computed before a request that is to come; when these are more than `limit`, some
    /// number beyond it.
    func tokens(before request: RequestRecord, limit: Double) -> Double {
        let lane = lanes[request.priority.place]
        var before = 0.0
        if request.urgency >= lane.latest {
            before = Double(lane.tokens)
        } else {
            lane.heap.visit(through: request.urgency) { other in
                if other.phase == .queued { before += Double(other.tokens) }
                return before <= limit
            }
        }
        let work = before + Double(request.tokens)
        var sum = before + Double(assignedTokens)
        for (place, other) in lanes.enumerated() where place != request.priority.place && other.queued > 0 {
            sum += min(Double(other.tokens), work * other.weight / lane.weight)
        }
        return sum
    }

    /// Lets go of the requests, which name this client.
    func forgetRequests() {
        for place in lanes.indices { lanes[place].heap = LazyHeap() }
    }
}
