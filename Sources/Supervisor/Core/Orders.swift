import Messages
import Wire

/// What the operator wants of models, whatever reloads find.
struct Orders {
    /// The last word about each model.
    struct Words {
        /// For models that nothing was said about.
        fileprivate let standard: Bool
        /// Each about some models, or about fewer than the one before.
        private var said: [(about: ModelReference, word: Bool)] = []

        fileprivate init(standard: Bool) { self.standard = standard }

        mutating func say(_ word: Bool, of reference: ModelReference) {
            said.removeAll { reference.means($0.about) }
            if mentions(reference.name) || word != standard { said.append((reference, word)) }
        }

        func mentions(_ name: String) -> Bool { said.contains { $0.about.name == name } }

        func callsFor(_ name: String, _ edition: Edition) -> Bool {
            let model = ModelReference(name: name, version: edition.version, variant: edition.variant)
            return said.last { $0.about.means(model) }?.word ?? standard
        }
    }

    /// What is not loaded.
    var holding: Words
    /// What takes no new requests.
    var draining = Words(standard: false)
    /// Whether the whole server takes none.
    var drainsServer = false
    /// By name what the repository had when it was last read, or was loaded, and is held.
    var held: [String: Set<Edition>] = [:]

    /// - Parameter holdsAll: whether only that is loaded which is asked for.
    init(holdsAll: Bool) { holding = Words(standard: holdsAll) }

    /// The references of what is held.
    var heldModels: [String] {
        held.sorted { $0.key < $1.key }.flatMap { name, editions in
            editions.sorted { ($0.version, $0.variant) < ($1.version, $1.variant) }
                .map { "\(ModelReference(name: name, version: $0.version, variant: $0.variant))" }
        }
    }

    /// Whether a reference may mean something that is held.
    func holds(_ reference: ModelReference) -> Bool {
        held[reference.name]?.contains { edition in
            reference.means(ModelReference(name: reference.name, version: edition.version, variant: edition.variant))
        } ?? false
    }

    func refusal(ofHeld reference: ModelReference) -> Refusal {
        let message =
            "the model '\(reference)' is not loaded, as the operator wants it; 'modelctl load \(reference)' loads it"
        return Refusal(.unavailable, message)
    }
}

extension ModelReference {
    /// Whether this one leaves open, or says the same as, whatever the other one says.
    func means(_ other: ModelReference) -> Bool {
        name == other.name && (version == nil || version == other.version)
            && (variant == nil || variant == other.variant)
    }
}
