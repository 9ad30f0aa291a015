/// One version of a model in one variant.
package struct Edition: Hashable, Sendable {
    package let version: UInt64
    package let variant: String

    package init(version: UInt64, variant: String) {
        self.version = version
        self.variant = variant
    }
}

/// The rule by which a reload exchanges the editions of one model: what works goes only when something else answers for
/// it. Asked when the loads of all editions that are wanted are over.
///
/// - All that is wanted serves: whatever else serves may go.
/// - Some of it does not: an edition may go when one that is wanted and serves takes its place, that is
///   - another variant of the same version, when the version is still wanted;
///   - a higher version in the same variant, when the version is not (in any variant, when that variant is no longer wanted
///     either). A lower one does not: it would not have been asked before.
///
/// Whatever stays goes with a later reload of the model, once that brings up what should replace it.
package struct Replacement: Sendable {
    private let wanted: Set<Edition>
    private let serving: Set<Edition>

    /// - Parameters:
    ///   - wanted: what the repository and the configuration ask for.
    ///   - serving: of all editions, those that answer requests.
    package init(wanted: Set<Edition>, serving: Set<Edition>) {
        self.wanted = wanted
        self.serving = serving.intersection(wanted)
    }

    /// Wanted editions that do not serve.
    package var missing: Set<Edition> { wanted.subtracting(serving) }

    /// Whether an edition that is not wanted may go.
    package func allows(_ edition: Edition) -> Bool {
        if missing.isEmpty { return true }
        if wanted.contains(where: { $0.version == edition.version }) {
            return serving.contains { $0.version == edition.version }
        }
        let keepsVariant = wanted.contains { $0.variant == edition.variant }
        return serving.contains { $0.version > edition.version && (!keepsVariant || $0.variant == edition.variant) }
    }
}
