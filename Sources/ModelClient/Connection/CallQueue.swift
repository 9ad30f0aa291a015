/// The order in which waiting calls are sent. Calls that lost their connection go to the front.
struct CallQueue {
    /// Sent again: the next one last.
    private var front: [UInt64] = []
    private var back: [UInt64] = []
    private var head = 0

    var isEmpty: Bool { front.isEmpty && head == back.count }

    mutating func append(_ id: UInt64) {
        back.append(id)
    }

    mutating func prepend(_ id: UInt64) {
        front.append(id)
    }

    mutating func popFirst() -> UInt64? {
        if let id = front.popLast() { return id }
        guard head < back.count else { return nil }
        defer {
            head += 1
            if head == back.count {
                back.removeAll(keepingCapacity: true)
                head = 0
            } else if head >= 1_024, head * 2 >= back.count {
                back.removeFirst(head)
                head = 0
            }
        }
        return back[head]
    }

    mutating func keep(_ isWanted: (UInt64) -> Bool) {
        front.removeAll { !isWanted($0) }
        back = back[head...].filter(isWanted)
        head = 0
    }
}
