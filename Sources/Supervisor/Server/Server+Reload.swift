import Logging
import Wire

extension Server {
    /// Brings what is served in line with the repository: a new generation of each model (or of the one that is named),
    /// models and versions that are new, none of those that are gone. Answered when all of it is done.
    func reload(_ text: String, call: ControlCall?, at now: Int64) {
        func refuse(_ refusal: Refusal) {
            if let call { finish(call, refusal) } else { logger.error("reload: \(refusal.message)") }
        }
        guard shutdown == .serving else {
            return refuse(Refusal(.unavailable, "the server is shutting down"))
        }
        var names: Set<String> = []
        var version: UInt64?
        var variant: String?
        if text.isEmpty {
            do throws(ConfigurationError) {
                names = Set(try repository.names()).union(models.all.map(\.name))
            } catch {
                return refuse(Refusal(.failedPrecondition, error.message))
            }
        } else {
            do throws(WireError) {
                let reference = try ModelReference(parsing: text)
                names = [reference.name]
                version = reference.version
                variant = reference.variant
            } catch {
                return refuse(Refusal(.invalidArgument, error.message))
            }
        }
        logger.info("reload", metadata: ["model": "\(text.isEmpty ? "all" : text)"])
        // Held at one until all models are under way, so that it is not answered early.
        let pending = PendingReload(call: call, waitsFor: 1)
        for name in names.sorted() {
            reload(name: name, version: version, variant: variant, for: pending, at: now)
        }
        if pending.results.isEmpty, pending.waitsFor == 1, !text.isEmpty {
            let message = "there is no model '\(text)' in \(repository.root)"
            return refuse(Refusal(.notFound, message))
        }
        settle(pending)
    }

    private func reload(
        name: String,
        version: UInt64?,
        variant: String?,
        for pending: PendingReload,
        at now: Int64
    ) {
        func isMeant(_ aVersion: UInt64, _ aVariant: String) -> Bool {
            (version ?? aVersion) == aVersion && (variant ?? aVariant) == aVariant
        }
        let present = models.named(name).filter { isMeant($0.version, $0.variant) }
        let found: RepositoryModel?
        do throws(ConfigurationError) {
            found = try repository.model(name)
        } catch {
            // What serves goes on; what does not says why.
            var concerned = present
            if concerned.isEmpty, version == nil, variant == nil {
                let path = "\(repository.root)/\(name)"
                concerned = [add(name: name, version: 0, variant: "fp32", path: path, ModelConfiguration())]
            }
            for model in concerned where begin(model, pending) {
                enqueue(model.lifecycle.refuseLoad(.invalidArgument, error.message), of: model)
            }
            return
        }
        let wanted = (found?.served ?? []).filter { isMeant($0.folder.version, $0.variant) }
        for model in present
        where !wanted.contains(where: { $0.folder.version == model.version && $0.variant == model.variant }) {
            guard begin(model, pending) else { continue }
            let refusal = Refusal(.unavailable, "the model is no longer in the repository, or its variant not enabled")
            enqueue(model.lifecycle.unload(gracefully: true, refusal, at: now), of: model)
        }
        guard let found else { return }
        for (folder, variant) in wanted {
            let model =
                present.first { $0.version == folder.version && $0.variant == variant } ?? add(found, folder, variant)
            if begin(model, pending) { load(model, found, folder, at: now) }
        }
    }

    /// Makes a reload wait for a model; when that is being changed already, the reload of it is aborted.
    private func begin(_ model: ServedModel, _ pending: PendingReload) -> Bool {
        guard !model.lifecycle.isChanging, model.reload == nil else {
            pending.results.append(
                ReloadResult(
                    model: model.reference,
                    status: .aborted,
                    message: "another load of this model is under way",
                    generation: model.lifecycle.serving?.number ?? 0
                )
            )
            return false
        }
        model.reload = pending
        pending.waitsFor += 1
        return true
    }

    /// A model's part of a reload is over.
    func report(_ model: ServedModel, _ code: StatusCode, _ message: String, generation: UInt64) {
        guard let pending = model.reload else { return }
        model.reload = nil
        pending.results.append(
            ReloadResult(model: model.reference, status: code, message: message, generation: generation)
        )
        settle(pending)
    }

    private func settle(_ pending: PendingReload) {
        pending.waitsFor -= 1
        guard pending.waitsFor == 0 else { return }
        pending.results.sort { $0.model < $1.model }
        if let call = pending.call { finish(call, payload: ReloadResponse(results: pending.results).encode()) }
    }
}
