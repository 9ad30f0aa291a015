import Messages
import Wire

/// One reload: a transaction over the versions and variants of the models that it concerns.
struct Reload {
    /// Nil when nobody waits for it: by signal, and when the server starts.
    let call: ControlCall?
    /// What is meant: nil is everything.
    let reference: ModelReference?
    /// One more than the models that it waits for, until all are under way, so that it is not answered early.
    var waitsFor = 1
    var results: [ReloadResult] = []
    /// By the name of the model.
    var exchanges: [String: Exchange] = [:]

    func means(_ edition: Edition) -> Bool {
        (reference?.version ?? edition.version) == edition.version
            && (reference?.variant ?? edition.variant) == edition.variant
    }
}

/// What a reload changes of one name: what is being loaded, and what should go when that serves.
struct Exchange {
    let wanted: Set<Edition>
    var loading: Set<Edition> = []
    var leaving: [QueueID] = []
}
