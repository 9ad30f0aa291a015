import Time

/// A binary heap of requests by a time, smallest first; equal times leave in the order of their numbers.
///
/// Removal is lazy: a request that has been answered stays until it reaches the top or `compact` is called, and the
/// caller says which entries still count.
struct RequestHeap {
    private struct Entry {
        let key: Deadline
        let request: RequestRecord

        func precedes(_ other: Entry) -> Bool {
            key != other.key ? key < other.key : request.id < other.request.id
        }
    }

    private var entries: [Entry] = []

    /// Entries held, dead ones included.
    var count: Int { entries.count }

    mutating func insert(_ request: RequestRecord, key: Deadline) {
        entries.append(Entry(key: key, request: request))
        siftUp(from: entries.count - 1)
    }

    /// The first entry that counts, after dropping the dead ones before it.
    mutating func first(where isLive: (RequestRecord) -> Bool) -> (key: Deadline, request: RequestRecord)? {
        while let top = entries.first {
            if isLive(top.request) { return (top.key, top.request) }
            removeTop()
        }
        return nil
    }

    mutating func removeTop() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        siftDown(from: 0)
    }

    /// Drops the dead entries once they outnumber the `live` ones clearly, so that memory follows the live requests.
    mutating func compact(live: Int, where isLive: (RequestRecord) -> Bool) {
        guard entries.count > 2 * live + 1024 else { return }
        entries.removeAll { !isLive($0.request) }
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { siftDown(from: index) }
    }

    private mutating func siftUp(from start: Int) {
        var index = start
        while index > 0 {
            let parent = (index - 1) / 2
            guard entries[index].precedes(entries[parent]) else { return }
            entries.swapAt(index, parent)
            index = parent
        }
    }

    private mutating func siftDown(from start: Int) {
        var index = start
        while true {
            var least = index
            for child in (2 * index + 1)...(2 * index + 2) where child < entries.count {
                if entries[child].precedes(entries[least]) { least = child }
            }
            guard least != index else { return }
            entries.swapAt(index, least)
            index = least
        }
    }
}
