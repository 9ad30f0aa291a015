import Configuration
import Messages
import Time
import Wire

/// One variant of one version of a model.
struct ServedModel {
    let name: String
    /// 0 for a model whose folder could not be read, so that the status can say why.
    let version: UInt64
    let variant: String
    /// `name@2:fp32`, as responses name who answered.
    let reference: String
    var path: String
    var configuration: ModelConfiguration
    var lifecycle = ModelLifecycle()
    var generations: [UInt64: GenerationFiles] = [:]
    /// The last generation that has begun to serve.
    var lastServed: UInt64 = 0
    /// The process that each seat has.
    var workers: [SeatID: WorkerID] = [:]
    /// The reload that waits for this model.
    var reload: ReloadID?
    /// The operator's calls that wait for its end.
    var unloads: [ReloadID] = []
    /// It should have gone, and serves on because what should replace it does not.
    var isKept = false
    /// Set when others answer in its place: it takes nothing new, and is unloaded when it has answered everything, or then
    /// at the latest.
    var retiresBy: Instant?

    init(name: String, _ edition: Edition, path: String, _ configuration: ModelConfiguration) {
        self.name = name
        (version, variant) = (edition.version, edition.variant)
        self.path = path
        self.configuration = configuration
        let label = ModelReference(name: name, version: version, variant: variant)
        reference = version == 0 ? name : "\(label)"
    }

    /// What means exactly this one.
    var label: ModelReference { ModelReference(name: name, version: version, variant: variant) }

    var edition: Edition { Edition(version: version, variant: variant) }

    /// Whether references that name no variant mean this one.
    var isDefaultVariant: Bool { configuration.variants.first == variant || version == 0 }

    /// What the generation that serves is made from.
    var serving: GenerationFiles? { lifecycle.serving.flatMap { generations[$0.number] } }

    /// The slot of a seat.
    func slot(of seat: SeatID) -> Int? {
        lifecycle.generation(seat.generation)?.slots[seat.index]
    }
}

/// What one generation of a model is made from.
struct GenerationFiles {
    let path: String
    let configuration: ModelConfiguration
    /// While the pack is looked for or made.
    var job: PackJobID?
    var pack: OpenPack?
    /// Whether the file of a pack was removed while it was written.
    var isPackedAgain = false
    /// What the first ready worker said about the model.
    var ready: FromWorker.Ready?

    init(path: String, configuration: ModelConfiguration) {
        self.path = path
        self.configuration = configuration
    }
}

/// A pack that is held open, under the number of its job, for as long as a generation may start workers.
struct OpenPack {
    let id: PackJobID
    let key: String
    let bytes: UInt64
    /// Where its workers find the weights; nil until it is decided.
    var placement: WeightPlacement?
    /// The sealed copies by node; either all that are wanted or none.
    var copies: [Int: PackJobID] = [:]
    /// Whether a worker has compared its bytes with its hash. Until then each one that maps it does.
    var isVerified = false
    /// Whether they may be others since. Each worker compares them again then, and the generation is replaced.
    var isDoubtful = false

    init(id: PackJobID, key: String, bytes: UInt64) { (self.id, self.key, self.bytes) = (id, key, bytes) }
}
