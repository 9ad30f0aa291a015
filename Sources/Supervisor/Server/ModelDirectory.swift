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

    /// The model that a reference means: the variant that it names, else the one that is configured first; of its
    /// versions the one that it names, else the highest that is ready, else the highest that is being loaded.
    func resolve(_ text: String) -> Result<ServedModel, ReferenceError> {
        let reference: ModelReference
        do throws(WireError) {
            reference = try ModelReference(parsing: text)
        } catch {
            return .failure(ReferenceError(Refusal(.invalidArgument, error.message)))
        }
        guard let all = models[reference.name] else {
            return .failure(ReferenceError(Refusal(.notFound, "there is no model '\(reference.name)'; \(listing)")))
        }
        let versions = all.filter { model in
            reference.variant.map { $0 == model.variant } ?? model.isDefaultVariant
        }
        guard !versions.isEmpty else {
            let known = Set(all.map(\.variant)).sorted().joined(separator: ", ")
            let message =
                "the model '\(reference.name)' has no variant '\(reference.variant ?? "")'; it has \(known); enable more "
                + "with 'variants' in its config.yaml"
            return .failure(ReferenceError(Refusal(.notFound, message)))
        }
        if let version = reference.version {
            if let model = versions.first(where: { $0.version == version }) { return .success(model) }
            let known = versions.map { "\($0.version)" }.joined(separator: ", ")
            let message = "the model '\(reference.name)' has no version \(version); it has \(known)"
            return .failure(ReferenceError(Refusal(.notFound, message)))
        }
        let model =
            versions.first { $0.lifecycle.state == .ready } ?? versions.first { $0.lifecycle.state == .loading }
            ?? versions[0]
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
