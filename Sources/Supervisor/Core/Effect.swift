package import Messages
package import Topology

/// What the shell has to do, in order.
package enum Effect: Sendable {
    // MARK: Clients

    case send(Frame, to: ClientID)
    /// The largest frame that the client accepts.
    case limitFrames(ClientID, Int)
    /// Read and forget: a socket that is closed with unread bytes takes the last answer with it.
    case discardInput(ClientID)
    /// End the output, all of which is written.
    case endOutput(ClientID)
    case disconnect(ClientID)
    /// The socket's path is free for a successor.
    case stopListening

    // MARK: Processes

    /// Start a process on a slot; `spawned` or `notSpawned` follows.
    case spawn(WorkerID, on: Slot, isPacker: Bool, isStrict: Bool)
    /// `files` go with the frame.
    case tell(WorkerID, ToWorker, with: [AttachedFile])
    case terminate(WorkerID)
    case kill(WorkerID)

    // MARK: Packs

    /// `packFound` follows.
    case findPack(PackJobID, key: String)
    /// Put the file that was written in its place; `packStored` or `packNotStored` follows.
    case storePack(PackJobID, key: String, bytes: UInt64)
    /// Hold the pack open for workers, beside one whose memory is measured; `packOpened` or `packNotOpened` follows.
    case openPack(PackJobID, key: String, beside: WorkerID?)
    /// Close a pack, or a copy of one.
    case closePack(PackJobID)
    /// Let nobody change a copy any more; `copySealed` follows.
    case sealCopy(PackJobID, bytes: UInt64)
    case removeFile(PackJobID)
    /// Remove the pack that is open, unless another file has its name by now.
    case removePack(PackJobID, key: String)
    /// `cacheListed` follows.
    case listCache(CachePurpose)
    /// Remove these packs, of so many bytes in all; `cachePruned` follows.
    case pruneCache(CachePurpose, [CachedPack], of: UInt64)

    // MARK: Questions and news

    /// Read the repository: one model, or all of them and these; `scanned` or `notScanned` follows.
    case scan(ReloadID, model: String?, also: [String])
    /// Measure the memory of this process and of those; `measured` follows.
    case measure([WorkerID])
    /// The metrics that were wanted.
    case showMetrics(String)
    /// `noted` follows.
    case happened(Happening)
    /// Tell the service manager.
    case announce(Announcement)
}

/// A descriptor that goes with a frame.
package enum AttachedFile: Equatable, Sendable {
    /// A pack that is open, or a copy that is sealed.
    case pack(PackJobID)
    /// A new file in memory, for a copy of a pack.
    case memory(PackJobID)
    /// The file that a packer writes.
    case file(PackJobID)
}

/// Why the packs of the cache are looked at.
package enum CachePurpose: Equatable, Sendable {
    case list(ControlCall)
    case prune(ControlCall, limit: UInt64)
    /// To keep the cache below its limit.
    case limit
}
