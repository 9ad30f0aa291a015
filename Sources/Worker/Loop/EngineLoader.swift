package import LinuxSystem
package import Messages

/// What a worker process does before its loop, and a packer instead of one.
package protocol EngineLoader {
    associatedtype Loaded: Engine

    /// Makes the engine that a pack holds.
    ///
    /// - Parameter progress: to be called again and again.
    /// - Returns: the engine, and what it is; how long this took is filled in by the caller.
    /// - Throws: `LoadFailure`, which the supervisor is told; what `progress` throws.
    func load(
        _ request: ToWorker.Load,
        pack: borrowing OwnedDescriptor,
        threads: Int,
        progress: () throws -> Void
    ) throws -> (engine: Loaded, ready: FromWorker.Ready)

    /// Writes the pack of a checkpoint.
    ///
    /// - Parameters:
    ///   - propose: to be called once, with the pack's key, before anything is written. It does not return when the cache has
    ///     such a pack.
    ///   - progress: to be called again and again.
    /// - Returns: the pack's bytes.
    /// - Throws: `LoadFailure`, which the supervisor is told; what `propose` and `progress` throw.
    func pack(
        _ request: ToWorker.Pack,
        into file: borrowing OwnedDescriptor,
        propose: (_ key: String) throws -> Void,
        progress: () throws -> Void
    ) throws -> Int

    /// Looks whether a copy of a pack is one, whole and of that key.
    ///
    /// - Throws: `LoadFailure`, which the supervisor is told.
    func check(_ copy: borrowing OwnedDescriptor, key: String) throws
}

/// Why a worker or a packer cannot go on.
package struct LoadFailure: Error {
    package let kind: FailureKind
    package let message: String

    package init(_ kind: FailureKind, _ message: String) {
        (self.kind, self.message) = (kind, message)
    }
}
