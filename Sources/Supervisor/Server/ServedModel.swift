import Messages
import Wire

/// One variant of one version of a model, with everything that the shell holds for it.
final class ServedModel {
    let name: String
    /// 0 for a model whose folder could not be read, so that the status can say why.
    let version: UInt64
    let variant: String
    let queue: QueueID
    var path: String
    var lifecycle: ModelLifecycle
    var configuration: ModelConfiguration
    var generations: [UInt64: GenerationFiles] = [:]
    var workers: [SeatID: WorkerProcess] = [:]
    /// The reload that waits for this model.
    var reload: PendingReload?
    /// It should have gone, and serves on because what should replace it does not.
    var isKept = false
    /// Set when others answer in its place: it takes nothing new, and is unloaded when it has answered everything, or then
    /// at the latest.
    var retiresBy: Int64?

    init(
        name: String,
        version: UInt64,
        variant: String,
        queue: QueueID,
        path: String,
        configuration: ModelConfiguration,
        timeouts: WorkerLifecycle.Timeouts
    ) {
        self.name = name
        self.version = version
        self.variant = variant
        self.queue = queue
        self.path = path
        self.configuration = configuration
        lifecycle = ModelLifecycle(timeouts: timeouts)
    }

    /// `name@2:fp32`, as responses name who answered.
    lazy var reference: String = {
        version == 0 ? name : ModelReference(name: name, version: version, variant: variant).description
    }()

    var edition: Edition { Edition(version: version, variant: variant) }

    /// Whether references that name no variant mean this one.
    var isDefaultVariant: Bool { configuration.variants.first == variant || version == 0 }

    /// The files of the generation that serves.
    var serving: GenerationFiles? { lifecycle.serving.flatMap { generations[$0.number] } }
}

/// A reload call that waits for the models it concerns.
final class PendingReload {
    /// Nil for a reload by signal, which nobody waits for.
    let call: ControlCall?
    var waitsFor: Int
    var results: [ReloadResult] = []
    /// By the name of the model.
    var exchanges: [String: Exchange] = [:]

    init(call: ControlCall?, waitsFor: Int) {
        self.call = call
        self.waitsFor = waitsFor
    }
}

/// What a reload changes of one name: what is being loaded, and what should go when that serves.
struct Exchange {
    let wanted: Set<Edition>
    var loading: Set<Edition> = []
    var leaving: [ServedModel] = []
}

/// A control call: a client's number and its stream. The client may be gone.
struct ControlCall: Equatable {
    let client: UInt64
    let streamID: UInt64
}
