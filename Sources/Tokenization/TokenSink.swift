/// Collects the tokens of one text.
struct TokenSink {
    private(set) var ids: [Int32] = []
    private(set) var offsets: [ScalarRange] = []
    private(set) var wordIDs: [Int32] = []
    /// Whether offsets and word ids are collected as well.
    let wantsAlignment: Bool
    /// Tokens beyond this many are not needed.
    let limit: Int
    /// The number of words so far.
    private var word: Int32 = 0

    init(wantsAlignment: Bool, limit: Int, capacity: Int) {
        self.wantsAlignment = wantsAlignment
        self.limit = limit
        ids.reserveCapacity(capacity)
    }

    var isFull: Bool { ids.count >= limit }

    /// A token of the current word that covers the scalars from `start` up to `end`.
    @inline(__always)
    mutating func append(_ id: Int32, _ start: Int32, _ end: Int32) {
        ids.append(id)
        if wantsAlignment {
            offsets.append(ScalarRange(start, end))
            wordIDs.append(word)
        }
    }

    @inline(__always)
    mutating func endWord() { word &+= 1 }

    /// Where the sink stands, to return there.
    struct Mark {
        fileprivate let count: Int
        fileprivate let word: Int32
    }

    var mark: Mark { Mark(count: ids.count, word: word) }

    /// Forgets what came after `mark`.
    mutating func rewind(to mark: Mark) {
        ids.removeLast(ids.count - mark.count)
        if wantsAlignment {
            offsets.removeLast(offsets.count - mark.count)
            wordIDs.removeLast(wordIDs.count - mark.count)
        }
        word = mark.word
    }
}
