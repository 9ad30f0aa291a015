import Configuration
import Messages
import Time
import Wire

/// The models by number and by name, and which one a reference means.
struct Catalogue {
    /// What a request needs to know of the model that it goes to.
    struct Destination {
        let id: QueueID
        let reference: String
        let defaultTimeout: Duration?
    }

    /// What the operator wants.
    var orders: Orders { didSet { forget() } }
    private var models: [QueueID: ServedModel] = [:]
    /// By name; the versions in descending order, and of each version the most precise variant last.
    private var names: [String: [QueueID]] = [:]
    /// All models, by name and version.
    private(set) var all: [QueueID] = []
    /// What references have meant since a model last changed.
    private var destinations: [String: Destination] = [:]
    /// The earliest deadline since then.
    private var knownDeadline: Deadline?
    /// Another one whenever a model may have changed.
    private(set) var revision: UInt64 = 0

    init(orders: Orders) { self.orders = orders }

    subscript(id: QueueID) -> ServedModel? { models[id] }

    func named(_ name: String) -> [QueueID] { names[name] ?? [] }

    /// Each model with its number, by name and version.
    var entries: [(id: QueueID, model: ServedModel)] { all.compactMap { id in models[id].map { (id, $0) } } }

    mutating func insert(_ model: ServedModel, as id: QueueID) {
        models[id] = model
        names[model.name, default: []].append(id)
        list(model.name)
    }

    mutating func remove(_ id: QueueID) {
        guard let model = models.removeValue(forKey: id) else { return }
        names[model.name]?.removeAll { $0 == id }
        list(model.name)
    }

    private mutating func list(_ name: String) {
        func rank(_ id: QueueID) -> (UInt64, Int) {
            guard let model = models[id] else { return (0, 0) }
            return (model.version, ModelConfiguration.knownVariants.firstIndex(of: model.variant) ?? 0)
        }
        names[name]?.sort { rank($0) > rank($1) }
        if names[name]?.isEmpty == true { names[name] = nil }
        all = names.keys.sorted().flatMap { names[$0]?.reversed() ?? [] }
        forget()
    }

    private mutating func forget() {
        destinations.removeAll(keepingCapacity: true)
        knownDeadline = nil
        revision += 1
    }

    /// Changes a model; nil when there is none of that number.
    @discardableResult
    mutating func update<Result>(_ id: QueueID, _ change: (inout ServedModel) -> Result) -> Result? {
        guard let index = models.index(forKey: id) else { return nil }
        forget()
        return change(&models.values[index])
    }

    /// The earliest deadline of any model, computed anew only when one of them has changed: this is asked every turn.
    var deadline: Deadline {
        mutating get {
            if let knownDeadline { return knownDeadline }
            let earliest = models.values.reduce(Deadline.never) { min($0, $1.lifecycle.deadline) }
            knownDeadline = earliest
            return earliest
        }
    }

    // MARK: - References

    /// The model that a reference means: of the versions and variants that it leaves open, the configured variant of the
    /// highest version that is ready. While that variant is not ready in any version, another one that is, so that
    /// enabling a variant breaks nothing; else what is being loaded. Nothing that is drained.
    mutating func resolve(_ text: String) throws(Refusal) -> Destination {
        if let known = destinations[text] { return known }
        let (id, model) = try find(text)
        let target = Destination(
            id: id,
            reference: model.reference,
            defaultTimeout: model.configuration.defaultTimeout
        )
        destinations[text] = target
        return target
    }

    private func find(_ text: String) throws(Refusal) -> (id: QueueID, model: ServedModel) {
        let reference: ModelReference
        do throws(WireError) {
            reference = try ModelReference(parsing: text)
        } catch {
            throw Refusal(.invalidArgument, error.message)
        }
        if orders.drainsServer {
            throw Refusal(.unavailable, "the server was drained by the operator, and takes no new requests")
        }
        do throws(Refusal) {
            return try choose(reference)
        } catch {
            throw error.code == .notFound && orders.holds(reference) ? orders.refusal(ofHeld: reference) : error
        }
    }

    private func choose(_ reference: ModelReference) throws(Refusal) -> (id: QueueID, model: ServedModel) {
        let known = named(reference.name).compactMap { id in models[id].map { (id: id, model: $0) } }
            .filter { orders.held[reference.name]?.contains($0.model.edition) != true }
        guard !known.isEmpty else {
            throw Refusal(.notFound, "there is no model '\(reference.name)'; \(listing)")
        }
        // What retires has others in its place.
        let staying = known.filter { $0.model.retiresBy == nil }
        let all = staying.isEmpty ? known : staying
        var meant = all.filter { entry in reference.variant.map { $0 == entry.model.variant } ?? true }
        guard !meant.isEmpty else {
            let known = Set(all.map(\.model.variant)).sorted().joined(separator: ", ")
            let message =
                "the model '\(reference.name)' has no variant '\(reference.variant ?? "")'; it has \(known); enable more "
                + "with 'variants' in its config.yaml"
            throw Refusal(.notFound, message)
        }
        if let version = reference.version {
            let known = Set(meant.map(\.model.version)).sorted(by: >).map { "\($0)" }.joined(separator: ", ")
            meant.removeAll { $0.model.version != version }
            if meant.isEmpty {
                let message = "the model '\(reference.name)' has no version \(version); it has \(known)"
                throw Refusal(.notFound, message)
            }
        }
        meant.removeAll { orders.draining.callsFor($0.model.name, $0.model.edition) }
        guard !meant.isEmpty else {
            let message = "the model '\(reference)' was drained by the operator, and takes no new requests"
            throw Refusal(.unavailable, message)
        }
        let configured = meant.filter { reference.variant != nil || $0.model.isDefaultVariant }
        return configured.first { $0.model.lifecycle.state == .ready }
            ?? meant.first { $0.model.lifecycle.state == .ready }
            ?? configured.first { $0.model.lifecycle.state == .loading } ?? configured.first ?? meant[0]
    }

    private var listing: String {
        names.isEmpty ? "the server has no models" : "the server has \(names.keys.sorted().joined(separator: ", "))"
    }
}
