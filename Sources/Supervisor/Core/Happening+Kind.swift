/// What has happened, without to whom: how much is told of it is limited per kind.
package enum HappeningKind: String, CaseIterable, Sendable {
    case repositoryIsEmpty, slotsPlanned, started, stopped, slotsChanged, signal, acceptingPaused, logReopened
    case linesLeftOut, serviceManagerNotTold, workersDoNotEnd, settingsChanged, settingsRefused
    case answered, replayed, quarantined, refused, clientDoesNotRead
    case notServed, reload, ordered, reloadRefused, serving, unavailable, notLoaded, replaced, moved, kept, unloaded
    case notReplicated, packDamaged, packChanged, packFileRemoved, packRemoved, packStuck
    case processStarted, processNotStarted, workerWarning, proofFailed, workerReady, protocolBroken, workerStuck
    case workerEnded
}

extension Happening {
    package var kind: HappeningKind {
        switch self {
        case .repositoryIsEmpty: .repositoryIsEmpty
        case .slotsPlanned: .slotsPlanned
        case .started: .started
        case .stopped: .stopped
        case .slotsChanged: .slotsChanged
        case .signal: .signal
        case .acceptingPaused: .acceptingPaused
        case .logReopened: .logReopened
        case .linesLeftOut: .linesLeftOut
        case .serviceManagerNotTold: .serviceManagerNotTold
        case .workersDoNotEnd: .workersDoNotEnd
        case .settingsChanged: .settingsChanged
        case .settingsRefused: .settingsRefused
        case .answered: .answered
        case .replayed: .replayed
        case .quarantined: .quarantined
        case .refused: .refused
        case .clientDoesNotRead: .clientDoesNotRead
        case .notServed: .notServed
        case .reload: .reload
        case .ordered: .ordered
        case .reloadRefused: .reloadRefused
        case .serving: .serving
        case .unavailable: .unavailable
        case .notLoaded: .notLoaded
        case .replaced: .replaced
        case .moved: .moved
        case .kept: .kept
        case .unloaded: .unloaded
        case .notReplicated: .notReplicated
        case .packDamaged: .packDamaged
        case .packChanged: .packChanged
        case .packFileRemoved: .packFileRemoved
        case .packRemoved: .packRemoved
        case .packStuck: .packStuck
        case .processStarted: .processStarted
        case .processNotStarted: .processNotStarted
        case .workerWarning: .workerWarning
        case .proofFailed: .proofFailed
        case .workerReady: .workerReady
        case .protocolBroken: .protocolBroken
        case .workerStuck: .workerStuck
        case .workerEnded: .workerEnded
        }
    }

    /// The user whose client has brought it about; nil when none has.
    package var user: UInt32? {
        switch subject {
        case .request(let request): request.user
        case .caller(let caller): caller.user
        case .server, .model, .process: nil
        }
    }
}
