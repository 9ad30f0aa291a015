/// A binary heap of things by a key, smallest first; equal keys leave in the order of the things' ranks.
///
/// Removal is lazy: what no longer counts stays until it reaches the top or `compact` is called, and the caller says which
/// entries still count.
struct LazyHeap<Key: Comparable, Element: Ranked> {
    struct Entry {
        let key: Key
        let element: Element

        fileprivate func precedes(_ other: Entry) -> Bool {
            key != other.key ? key < other.key : element.rank < other.element.rank
        }
    }

    private var entries: [Entry] = []

    mutating func insert(_ element: Element, key: Key) {
        entries.append(Entry(key: key, element: element))
        siftUp(from: entries.count - 1)
    }

    /// The first entry that counts, after dropping the dead ones before it.
    mutating func first(where isLive: (Entry) -> Bool) -> Entry? {
        while let top = entries.first {
            if isLive(top) { return top }
            removeTop()
        }
        return nil
    }

    mutating func removeTop() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        siftDown(from: 0)
    }

    /// Takes one of the later entries that count out, the first one only if there is no other.
    mutating func popLate(where isLive: (Entry) -> Bool) -> Entry? {
        // The last one is a leaf, so that what is left is a heap.
        while let last = entries.popLast() {
            if isLive(last) { return last }
        }
        return nil
    }

    mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

    /// Visits entries whose keys are at most `key`, dead ones too and in no order, until `visit` returns false.
    func visit(through key: Key, _ visit: (Element) -> Bool) { _ = self.visit(through: key, from: 0, visit) }

    private func visit(through key: Key, from index: Int, _ visit: (Element) -> Bool) -> Bool {
        guard index < entries.count, entries[index].key <= key else { return true }
        return visit(entries[index].element) && self.visit(through: key, from: 2 * index + 1, visit)
            && self.visit(through: key, from: 2 * index + 2, visit)
    }

    /// Drops the dead entries once they outnumber the `live` ones clearly, so that memory follows those.
    mutating func compact(live: Int, where isLive: (Entry) -> Bool) {
        guard entries.count > 2 * live + 1024 else { return }
        entries.removeAll { !isLive($0) }
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

/// What has a place of its own among things of equal keys.
protocol Ranked: AnyObject {
    associatedtype Rank: Comparable
    var rank: Rank { get }
}
