package import Messages

/// A process in what is told of it.
package struct ProcessLabel: Equatable, Sendable {
    package var processID: Int32
    package var slot: Int
    /// The model's reference and generation, as far as there are any.
    package var model: String?
    package var generation: UInt64?
}

/// Something that has happened, and that somebody may want to know. The log is its reader.
package enum Happening: Equatable, Sendable {
    // Of the server.
    case repositoryIsEmpty(path: String)
    case slotsPlanned(warning: String)
    case started(socket: String, repository: String, slots: String)
    case stopped
    case slotsChanged(String)
    case signal(String, sender: Int32)
    case acceptingPaused(error: String)
    case workersDoNotEnd
    // Of clients.
    case clientDoesNotRead(process: Int32)
    // Of models.
    case notServed(SkippedEntry)
    case reload(model: String)
    case reloadRefused(String)
    case serving(model: String, generation: UInt64)
    case unavailable(model: String, String)
    case notLoaded(model: String, StatusCode, String)
    case replaced(model: String)
    case moved(model: String)
    case kept(model: String, String)
    case unloaded(model: String)
    // Of packs.
    case packDamaged(model: String)
    case packFileRemoved(model: String)
    case packRemoved(key: String, bytes: UInt64)
    case packStuck(key: String)
    // Of processes.
    case processStarted(ProcessLabel, isPacker: Bool)
    case processNotStarted(model: String, error: String)
    case workerWarning(ProcessLabel, String)
    case proofFailed(ProcessLabel, String, instructionSet: String)
    case workerReady(ProcessLabel, milliseconds: Int)
    case protocolBroken(ProcessLabel, String)
    case workerStuck(ProcessLabel, String)
    case workerEnded(ProcessLabel, cause: String, isExpected: Bool)
}
