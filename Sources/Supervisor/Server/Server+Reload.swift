import Logging
import Messages
import Wire

extension Server {
    /// Brings what is served in line with the repository: a new generation of each model (or of the one that is named),
    /// models and versions that are new, none of those that are gone. Answered when all of it is done.
    ///
    /// A name whose folder is gone is unloaded at once. Versions and variants of a name that stays are exchanged: those that
    /// are wanted are loaded first, and only then those go that are not, by the rule of `Replacement`.
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
        tellSkipped()
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
        let served = found?.served ?? []
        var exchange = Exchange(wanted: Set(served.map { Edition(version: $0.folder.version, variant: $0.variant) }))
        for model in models.named(name) where !exchange.wanted.contains(model.edition) {
            guard isMeant(model.version, model.variant) || model.isKept, begin(model, pending) else { continue }
            if found == nil || model.lifecycle.state != .ready {
                unload(model, at: now)
            } else {
                exchange.leaving.append(model)
            }
        }
        guard let found else { return }
        for (folder, variant) in served where isMeant(folder.version, variant) {
            let model =
                present.first { $0.version == folder.version && $0.variant == variant } ?? add(found, folder, variant)
            model.isKept = false
            guard begin(model, pending) else { continue }
            exchange.loading.insert(model.edition)
            load(model, found, folder, at: now)
        }
        pending.exchanges[name] = exchange
        conclude(name, of: pending, at: now)
    }

    // MARK: - Exchanging

    /// Once all loads of a name are over, decides about the rest of it.
    private func conclude(_ name: String, of pending: PendingReload, at now: Int64) {
        guard let exchange = pending.exchanges[name], exchange.loading.isEmpty else { return }
        pending.exchanges[name] = nil
        let serving = models.named(name).filter { $0.lifecycle.state == .ready }
        let rule = Replacement(wanted: exchange.wanted, serving: Set(serving.map(\.edition)))
        let missing = rule.missing.sorted { ($0.version, $0.variant) < ($1.version, $1.variant) }
            .map { ModelReference(name: name, version: $0.version, variant: $0.variant).description }
        for model in exchange.leaving where !model.lifecycle.isUnloading {
            if rule.allows(model.edition) {
                model.isKept = false
                model.retiresBy = now + configuration.drainTimeout
                retiring.append(model)
                logger.info("others answer in its place", metadata: ["model": "\(model.reference)"])
            } else {
                let message =
                    "it is no longer wanted, but serves on: what should replace it does not serve "
                    + "(\(missing.joined(separator: ", ")))"
                model.isKept = true
                model.lifecycle.keep(message)
                logger.warning("kept: \(message)", metadata: ["model": "\(model.reference)"])
                report(model, .aborted, message, generation: model.lifecycle.serving?.number ?? 0, at: now)
            }
        }
    }

    /// Unloads each model that retires and has answered everything.
    func advanceRetirements(at now: Int64) {
        for model in retiring where !model.lifecycle.isUnloading {
            let left = scheduler.status(of: model.queue)
            if left.queued + left.computing == 0 || now >= model.retiresBy ?? 0 { unload(model, at: now) }
        }
        retiring.removeAll { $0.lifecycle.isUnloading }
    }

    private func unload(_ model: ServedModel, at now: Int64) {
        let refusal = Refusal(.unavailable, "the model is no longer in the repository, or its variant not enabled")
        enqueue(model.lifecycle.unload(gracefully: true, refusal, at: now), of: model)
    }

    // MARK: - Answering

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
    func report(_ model: ServedModel, _ code: StatusCode, _ message: String, generation: UInt64, at now: Int64) {
        guard let pending = model.reload else { return }
        model.reload = nil
        if pending.exchanges[model.name]?.loading.remove(model.edition) != nil {
            conclude(model.name, of: pending, at: now)
        }
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
