package import Configuration
package import Messages
package import Topology

/// What has happened, as the shell tells it. Who or what an event names may be gone: then it changes nothing.
package enum Event: Sendable {
    // MARK: Clients

    case connected(ClientID, user: UInt32, process: Int32)
    case frame(ClientID, Frame)
    /// A whole frame that is no message; `stream` is its request's, or 0.
    case malformed(ClientID, Refusal, stream: UInt64)
    /// What the client sends cannot be followed further.
    case broken(ClientID, Refusal)
    /// So many bytes are held of a frame that has not arrived as a whole, 0 when there is none; `isNew`: it is another one
    /// than before. Not every byte is told, but the first and the end, and whenever there are many more.
    case unfinished(ClientID, bytes: Int, isNew: Bool)
    /// The client sends nothing more. It may still read.
    case inputEnded(ClientID)
    /// Output was written; this many bytes are held.
    case written(ClientID, waiting: Int)
    case disconnected(ClientID)

    // MARK: Processes. `jitter` is a random number in 0..<1

    case spawned(WorkerID, process: Int32)
    case notSpawned(WorkerID, error: String, jitter: Double)
    /// Bytes have arrived from it.
    case heard(WorkerID)
    case said(WorkerID, FromWorker)
    case garbage(WorkerID, String)
    /// So many bytes of what it was told are held, as it has not read them.
    case unread(WorkerID, bytes: Int)
    case channelClosed(WorkerID)
    /// It is gone, and everything that it wrote has been told. `peak` is the most memory that it had, in bytes.
    case ended(WorkerID, ProcessEnd, description: String, peak: UInt64, jitter: Double)

    // MARK: Packs

    /// There is no file for a packer to write.
    case fileRefused(PackJobID, String)
    /// The size of the pack of that key that is in the cache.
    case packFound(PackJobID, key: String, bytes: UInt64?)
    case packStored(PackJobID, bytes: UInt64)
    /// `isLost`: its file was removed while it was written.
    case packNotStored(PackJobID, String, isLost: Bool)
    /// `room` is what memory is left, `own` what the worker that was asked about has for itself, in bytes.
    case packOpened(PackJobID, key: String, bytes: UInt64, room: MemoryRoom, own: UInt64?)
    /// A pack that is open was written to, or another file has its name.
    case packChanged(PackJobID)
    case packNotOpened(PackJobID, String)
    /// Nobody can change the copy any more, or that is not so, and why.
    case copySealed(PackJobID, error: String?)
    case cacheListed(CachePurpose, path: String, [CachedPack])
    /// Of so many bytes, these packs were removed.
    case cachePruned(CachePurpose, [CachedPack], of: UInt64)

    // MARK: Answers to what the core has asked

    case scanned(ReloadID, RepositoryListing)
    case notScanned(ReloadID, String)
    case measured(own: ProcessMemory?, [WorkerID: ProcessMemory])
    /// The metrics are wanted as text; `.showMetrics` follows.
    case metricsWanted
    /// What has happened, here or there, and what is told of it; nil when it is not.
    case noted(Happening, ServerEvent?)

    // MARK: Orders

    /// Other settings hold, from now on or for what is loaded from now on.
    case configured(ServerConfiguration)
    /// Where workers may be placed from now on. A slot with other CPUs has another number.
    case slots([Slot])
    /// Everything is to be loaded, as when the server starts, or again.
    case reload(isFirst: Bool)
    /// The server is to end: first what was accepted is finished, the second time at once.
    case stop
}

/// The memory of a process, in bytes.
package struct ProcessMemory: Sendable {
    package var resident: UInt64
    /// Pages that are shared divided by those that share them; as `resident` where the kernel does not say.
    package var proportional: UInt64
    package var huge: UInt64
    /// Of the weights and of what else it has, by node; nil where the kernel does not say.
    package var byNode: (weights: [Int: UInt64], own: [Int: UInt64])?

    package init(
        resident: UInt64,
        proportional: UInt64,
        huge: UInt64 = 0,
        byNode: (weights: [Int: UInt64], own: [Int: UInt64])? = nil
    ) {
        (self.resident, self.proportional, self.huge, self.byNode) = (resident, proportional, huge, byNode)
    }
}
