import Messages
import Wire

/// The models by name, and which one a reference means.
struct ModelDirectory {
    /// By name; the versions in descending order, and of each version the most precise variant last.
    private var models: [String: [ServedModel]] = [:]

    /// All models, by name and version.
    private(set) var all: [ServedModel] = []

    func named(_ name: String) -> [ServedModel] { models[name] ?? [] }

    mutating func insert(_ model: ServedModel) {
        models[model.name, default: []].append(model)
        models[model.name]?.sort { ($0.version, Self.rank($0)) > ($1.version, Self.rank($1)) }
        list()
    }

    mutating func remove(_ model: ServedModel) {
        models[model.name]?.removeAll { $0 === model }
        if models[model.name]?.isEmpty == true { models[model.name] = nil }
        list()
    }

    private static func rank(_ model: ServedModel) -> Int {
        ModelConfiguration.knownVariants.firstIndex(of: model.variant) ?? 0
    }

    private mutating func list() { all = models.keys.sorted().flatMap { models[$0]?.reversed() ?? [] } }

    /// The model that a reference means: of the versions and variants that it leaves open, the configured variant of the
    /// highest version that is ready. While that variant is not ready in any version, another one that is, so that
    /// enabling a variant breaks nothing; else what is being loaded.
    func resolve(_ text: String) -> Result<ServedModel, ReferenceError> {
        let reference: ModelReference
        do throws(WireError) {
            reference = try ModelReference(parsing: text)
        } catch {
            return .failure(ReferenceError(Refusal(.invalidArgument, error.message)))
        }
        guard let known = models[reference.name] else {
            return .failure(ReferenceError(Refusal(.notFound, "there is no model '\(reference.name)'; \(listing)")))
        }
        // What retires has others in its place.
        let staying = known.filter { $0.retiresBy == nil }
        let all = staying.isEmpty ? known : staying
        var meant = all.filter { model in reference.variant.map { $0 == model.variant } ?? true }
        guard !meant.isEmpty else {
            let known = Set(all.map(\.variant)).sorted().joined(separator: ", ")
            let message =
                "the model '\(reference.name)' has no variant '\(reference.variant ?? "")'; it has \(known); enable more "
                + "with 'variants' in its config.yaml"
            return .failure(ReferenceError(Refusal(.notFound, message)))
        }
        if let version = reference.version {
            let known = Set(meant.map(\.version)).sorted(by: >).map { "\($0)" }.joined(separator: ", ")
            meant.removeAll { $0.version != version }
            if meant.isEmpty {
                let message = "the model '\(reference.name)' has no version \(version); it has \(known)"
                return .failure(ReferenceError(Refusal(.notFound, message)))
            }
        }
        let configured = meant.filter { reference.variant != nil || $0.isDefaultVariant }
        let model =
            configured.first { $0.lifecycle.state == .ready } ?? meant.first { $0.lifecycle.state == .ready }
            ?? configured.first { $0.lifecycle.state == .loading } ?? configured.first ?? meant[0]
        return .success(model)
    }

    private var listing: String {
        models.isEmpty ? "the server has no models" : "the server has \(models.keys.sorted().joined(separator: ", "))"
    }
}

/// Why a reference means no model.
struct ReferenceError: Error {
    let refusal: Refusal

    init(_ refusal: Refusal) { self.refusal = refusal }
}
