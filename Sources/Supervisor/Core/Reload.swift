import Messages
import Wire

/// One reload: a transaction over the versions and variants of the models that it concerns.
struct Reload {
    /// How it is answered.
    enum Answer {
        /// When all of it is done.
        case whole
        /// Each result at once.
        case each
        /// When all of it has begun.
        case begun
    }

    /// Nil when nobody waits for it: by signal, and when the server starts.
    var call: ControlCall?
    var answer = Answer.whole
    /// What is meant: nil is everything.
    var reference: ModelReference?
    /// Whether it loads only what is not loaded, and that although it was unloaded before.
    var isLoad = false
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
