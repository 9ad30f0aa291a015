import Messages
import Wire

/// The server's cache of packed weights.
public struct PackCache: Sendable, Hashable {
    /// Its folder.
    public var path: String
    /// Its packs, the most recently used first.
    public var packs: [CachedPack]
    /// The size above which the server removes packs that nothing serves from; nil when it removes none.
    public var limitBytes: Int?

    init(_ message: CacheListResponse) {
        path = message.path
        packs = message.entries.map(CachedPack.init)
        limitBytes = message.limitBytes == 0 ? nil : Int(clamping: message.limitBytes)
    }
}

/// The packed weights of one model, variant and kind of machine.
public struct CachedPack: Sendable, Hashable {
    /// What they were made of and for: hash of the files, variant, layout, version of the format.
    public var key: String
    /// Their size.
    public var bytes: Int
    /// When they were last opened, in seconds since 1970.
    public var lastUsed: Int64
    /// What serves from them, as in `name@2:int8`.
    public var models: [String]

    init(_ message: CacheEntry) {
        key = message.key
        bytes = Int(clamping: message.bytes)
        lastUsed = message.usedAt
        models = message.models
    }
}

/// What pruning the cache did.
public struct PruneOutcome: Sendable, Hashable {
    /// The packs that are gone.
    public var removed: [CachedPack]
    /// The size of those that are left.
    public var bytes: Int

    init(_ message: CachePruneResponse) {
        removed = message.removed.map(CachedPack.init)
        bytes = Int(clamping: message.bytes)
    }
}
