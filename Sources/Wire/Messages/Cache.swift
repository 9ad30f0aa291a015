package import CWireMessages

package struct CacheListRequest: Sendable, Equatable {
    package init() {}
}

extension CacheListRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__CacheListRequest>) {
        control__v1__cache_list_request__init(structure)
    }

    package func fill(_ structure: inout Control__V1__CacheListRequest, _ arena: inout EncodingArena) {
    }

    package init(_ structure: Control__V1__CacheListRequest) throws(WireError) {
        self.init()
    }
}

/// One pack of the cache.
package struct CacheEntry: Sendable, Equatable {
    package var key: String
    package var bytes: UInt64
    /// When it was last opened, in seconds since 1970.
    package var usedAt: Int64
    /// What serves from it: `name@2:int8`.
    package var models: [String]

    package init(
        key: String = "",
        bytes: UInt64 = 0,
        usedAt: Int64 = 0,
        models: [String] = []
    ) {
        self.key = key
        self.bytes = bytes
        self.usedAt = usedAt
        self.models = models
    }
}

extension CacheEntry: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__CacheEntry>) {
        control__v1__cache_entry__init(structure)
    }

    package func fill(_ structure: inout Control__V1__CacheEntry, _ arena: inout EncodingArena) {
        structure.key = arena.text(key)
        structure.bytes = bytes
        structure.used_at = usedAt
        (structure.n_models, structure.models) = arena.texts(models)
    }

    package init(_ structure: Control__V1__CacheEntry) throws(WireError) {
        self.init(
            key: try decodeText(structure.key, "key"),
            bytes: structure.bytes,
            usedAt: structure.used_at,
            models: try decodeTexts(structure.n_models, structure.models, "models")
        )
    }
}

package struct CacheListResponse: Sendable, Equatable {
    package var path: String
    /// The most recently used first.
    package var entries: [CacheEntry]
    /// 0: none.
    package var limitBytes: UInt64

    package init(
        path: String = "",
        entries: [CacheEntry] = [],
        limitBytes: UInt64 = 0
    ) {
        self.path = path
        self.entries = entries
        self.limitBytes = limitBytes
    }
}

extension CacheListResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__CacheListResponse>) {
        control__v1__cache_list_response__init(structure)
    }

    package func fill(_ structure: inout Control__V1__CacheListResponse, _ arena: inout EncodingArena) {
        structure.path = arena.text(path)
        (structure.n_entries, structure.entries) = arena.messages(entries)
        structure.limit_bytes = limitBytes
    }

    package init(_ structure: Control__V1__CacheListResponse) throws(WireError) {
        self.init(
            path: try decodeText(structure.path, "path"),
            entries: try decodeMessages(structure.n_entries, structure.entries, "entries"),
            limitBytes: structure.limit_bytes
        )
    }
}

/// Removes packs that nothing serves from, the least recently used first, until the cache has at most so many bytes.
package struct CachePruneRequest: Sendable, Equatable {
    package var maxBytes: UInt64

    package init(
        maxBytes: UInt64 = 0
    ) {
        self.maxBytes = maxBytes
    }
}

extension CachePruneRequest: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__CachePruneRequest>) {
        control__v1__cache_prune_request__init(structure)
    }

    package func fill(_ structure: inout Control__V1__CachePruneRequest, _ arena: inout EncodingArena) {
        structure.max_bytes = maxBytes
    }

    package init(_ structure: Control__V1__CachePruneRequest) throws(WireError) {
        self.init(
            maxBytes: structure.max_bytes
        )
    }
}

package struct CachePruneResponse: Sendable, Equatable {
    package var removed: [CacheEntry]
    /// What is left.
    package var bytes: UInt64

    package init(
        removed: [CacheEntry] = [],
        bytes: UInt64 = 0
    ) {
        self.removed = removed
        self.bytes = bytes
    }
}

extension CachePruneResponse: WireMessage {
    package static func initialize(_ structure: UnsafeMutablePointer<Control__V1__CachePruneResponse>) {
        control__v1__cache_prune_response__init(structure)
    }

    package func fill(_ structure: inout Control__V1__CachePruneResponse, _ arena: inout EncodingArena) {
        (structure.n_removed, structure.removed) = arena.messages(removed)
        structure.bytes = bytes
    }

    package init(_ structure: Control__V1__CachePruneResponse) throws(WireError) {
        self.init(
            removed: try decodeMessages(structure.n_removed, structure.removed, "removed"),
            bytes: structure.bytes
        )
    }
}
