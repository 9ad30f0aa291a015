import Supervisor
import Testing

@Suite struct CachePruningTests {
    private let packs = [
        CachedPack(key: "new", bytes: 30, usedAt: 300),
        CachedPack(key: "old", bytes: 10, usedAt: 100),
        CachedPack(key: "middle", bytes: 20, usedAt: 200),
    ]

    @Test func theLeastRecentlyUsedGoFirst() {
        #expect(CachedPack.victims(of: packs, limit: 60, inUse: []).isEmpty)
        #expect(CachedPack.victims(of: packs, limit: 59, inUse: []).map(\.key) == ["old"])
        #expect(CachedPack.victims(of: packs, limit: 49, inUse: []).map(\.key) == ["old", "middle"])
        #expect(CachedPack.victims(of: packs, limit: 0, inUse: []).map(\.key) == ["old", "middle", "new"])
    }

    @Test func whatIsInUseStays() {
        #expect(CachedPack.victims(of: packs, limit: 45, inUse: ["old"]).map(\.key) == ["middle"])
        #expect(CachedPack.victims(of: packs, limit: 0, inUse: ["old", "new", "middle"]).isEmpty)
    }

    @Test func ofTheSameAgeTheNamesDecide() {
        let twins = ["b", "a"].map { CachedPack(key: $0, bytes: 5, usedAt: 1) }
        #expect(CachedPack.victims(of: twins, limit: 5, inUse: []).map(\.key) == ["a"])
    }
}
