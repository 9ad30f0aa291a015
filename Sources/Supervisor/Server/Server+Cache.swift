import Logging
import Messages
import Wire

extension Server {
    /// The packs of the cache, the most recently used first.
    func cacheList() -> CacheListResponse {
        let users = packUsers()
        return CacheListResponse(
            path: packFolder.path,
            entries: packFolder.packs().map { CacheEntry($0, models: users[$0.key] ?? []) },
            limitBytes: UInt64(configuration.cacheMaxBytes)
        )
    }

    /// Removes packs that no generation has open, the least recently used first.
    func pruneCache(to limit: UInt64) -> CachePruneResponse {
        let packs = packFolder.packs()
        var victims = CachedPack.victims(of: packs, limit: limit, inUse: Set(packUsers().keys))
        victims.removeAll { victim in
            let isGone = packFolder.remove(key: victim.key)
            if !isGone { logger.error("a pack cannot be removed", metadata: ["key": "\(victim.key)"]) }
            return !isGone
        }
        for victim in victims {
            logger.info("a pack was removed", metadata: ["key": "\(victim.key)", "bytes": "\(victim.bytes)"])
        }
        let left = packs.reduce(UInt64(0)) { $0 + $1.bytes } - victims.reduce(UInt64(0)) { $0 + $1.bytes }
        return CachePruneResponse(removed: victims.map { CacheEntry($0, models: []) }, bytes: left)
    }

    /// Keeps the cache below its limit, when it has one.
    func limitCache() {
        if configuration.cacheMaxBytes > 0 { _ = pruneCache(to: UInt64(configuration.cacheMaxBytes)) }
    }

    /// What has each pack open, by key.
    private func packUsers() -> [String: [String]] {
        var users: [String: [String]] = [:]
        for model in models.all {
            for files in model.generations.values {
                guard let key = files.pack?.key, users[key]?.contains(model.reference) != true else { continue }
                users[key, default: []].append(model.reference)
            }
        }
        return users
    }
}

extension CacheEntry {
    fileprivate init(_ pack: CachedPack, models: [String]) {
        self.init(key: pack.key, bytes: pack.bytes, usedAt: pack.usedAt, models: models)
    }
}
