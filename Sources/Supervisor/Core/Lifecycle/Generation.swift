import Time

/// A seat of one generation of one model.
package struct SeatID: Hashable, Sendable {
    package let generation: UInt64
    package let index: Int

    package init(generation: UInt64, index: Int) {
        self.generation = generation
        self.index = index
    }
}

/// One load of a model variant: a pack, and the seats whose workers map it.
package struct Generation: Sendable {
    package let number: UInt64
    /// The slot of each seat.
    package let slots: [Int]
    package internal(set) var seats: [WorkerLifecycle]
    /// The pack's key once there is one. It stays the same when a damaged pack is made again.
    package private(set) var packKey: String?
    /// Whether the pack is there; without it no worker is started.
    var packed = false
    /// Why there is no pack. Workers that have it go on; none is started until it is there, which it will never be when
    /// this is final.
    private(set) var packFailure: (message: String, isFinal: Bool)?
    /// When it is tried again to find or make it.
    private(set) var packRetryAt = Deadline.never
    private var packPause = Pause()
    /// How often the pack was made, and with which making each seat's worker was started.
    var making = 0
    var seatMaking: [Int]
    var enlisted: Set<Int> = []
    /// When it must be ready, if an older one serves meanwhile. Counts from the moment at which its pack is there, or one of
    /// its workers last said that it goes on loading.
    var readyBy = Deadline.never

    init(number: UInt64, slots: [Int], timeouts: WorkerLifecycle.Timeouts) {
        self.number = number
        self.slots = slots
        self.seats = slots.map { _ in WorkerLifecycle(timeouts: timeouts) }
        self.seatMaking = slots.map { _ in 0 }
    }

    /// Whether no seat has a process or will have one.
    var isOver: Bool { seats.allSatisfy(\.isOver) }

    /// Whether nobody should wait for any seat.
    var isDown: Bool { seats.allSatisfy(\.isDown) }

    /// The reason of the first seat that was given up.
    var failure: String? { seats.lazy.compactMap(\.failureReason).first }

    /// When a seat without a process gets one, as far as that is known.
    func nextStart(of index: Int) -> Deadline {
        if seats[index].hasProcess || seats[index].isOver { return .never }
        return packed ? seats[index].deadline : packRetryAt
    }

    /// There is no pack. When that may pass, it is tried again after a pause.
    mutating func lackPack(_ message: String, isFinal: Bool, at now: Instant) {
        packFailure = (message, isFinal)
        packRetryAt = isFinal ? .never : .at(now + packPause.next(jitter: 0.5))
        for index in seats.indices { giveUpWithoutPack(index) }
    }

    mutating func giveUpWithoutPack(_ index: Int) {
        if let packFailure { seats[index].giveUp(packFailure.message, isFinal: packFailure.isFinal) }
    }

    /// Whether it is to be tried again now to find or make the pack; once.
    mutating func takePackRetry(at now: Instant) -> Bool {
        guard packRetryAt.isDue(at: now) else { return false }
        packRetryAt = .never
        return true
    }

    mutating func havePack(_ key: String) {
        (packKey, packed, packFailure, packRetryAt, packPause) = (key, true, nil, .never, Pause())
        making += 1
    }

    /// The reason of the first seat that found the checkpoint or its configuration at fault.
    var refusal: String? {
        for seat in seats {
            if case .refused(let reason) = seat.state { return reason }
        }
        return nil
    }
}

/// Chooses a slot for each of `count` workers: the slots with the fewest workers first, so that models spread, and
/// round again when there are more workers than slots. `loads` is the number of workers on each slot.
package func placeSeats(count: Int, loads: [Int]) -> [Int] {
    var loads = loads
    return (0..<count).compactMap { _ in
        guard let slot = loads.indices.min(by: { loads[$0] < loads[$1] }) else { return nil }
        loads[slot] += 1
        return slot
    }
}
