/// A pack in the cache folder.
package struct CachedPack: Equatable, Sendable {
    package var key: String
    package var bytes: UInt64
    /// When it was last opened, in seconds since 1970.
    package var usedAt: Int64

    package init(key: String, bytes: UInt64, usedAt: Int64) {
        self.key = key
        self.bytes = bytes
        self.usedAt = usedAt
    }

    /// Which of these packs to remove so that at most `limit` bytes are left: the least recently used first, and none
    /// that is in use, though more than the limit be left.
    package static func victims(of packs: [CachedPack], limit: UInt64, inUse: Set<String>) -> [CachedPack] {
        var total = packs.reduce(UInt64(0)) { $0 &+ $1.bytes }
        var victims: [CachedPack] = []
        for pack in packs.sorted(by: { ($0.usedAt, $0.key) < ($1.usedAt, $1.key) })
        where total > limit && !inUse.contains(pack.key) {
            victims.append(pack)
            total -= pack.bytes
        }
        return victims
    }
}
