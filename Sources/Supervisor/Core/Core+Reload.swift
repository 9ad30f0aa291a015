import Configuration
import Messages
import Time
import Wire

extension Core {
    /// Brings what is served in line with the repository: a new generation of each model (or of the one that is meant),
    /// models and versions that are new, none of those that are gone. Answered when all of it is done.
    ///
    /// A name whose folder is gone is unloaded at once. Versions and variants of a name that stays are exchanged: those that
    /// are wanted are loaded first, and only then those go that are not, by the rule of `Replacement`.
    ///
    /// - Parameter text: what is meant, empty for everything; nil when the server starts, which is the first reload.
    mutating func reload(_ text: String?, _ call: ControlCall? = nil, _ answer: Reload.Answer = .whole) {
        guard let id = beginReload(Reload(call: call, answer: answer)) else { return }
        if let text, !text.isEmpty {
            do throws(WireError) {
                reloads[id]?.reference = try ModelReference(parsing: text)
            } catch {
                return refuseReload(id, Refusal(.invalidArgument, error.message))
            }
        }
        if let text {
            report(.reload(model: text.isEmpty ? "all" : text, by: call.map { clients.caller($0.client) }))
        }
        let present = Set(catalogue.entries.map(\.model.name)).sorted()
        effects.append(.scan(id, model: reloads[id]?.reference?.name, also: present))
    }

    /// Nil, and answered, when the server is to end.
    mutating func beginReload(_ reload: Reload) -> ReloadID? {
        let id = ReloadID(nextID())
        reloads[id] = reload
        if shutdown == .serving { return id }
        refuseReload(id, Refusal(.unavailable, "the server is shutting down"))
        return nil
    }

    mutating func refuseReload(_ id: ReloadID, _ refusal: Refusal) {
        guard let reload = reloads.removeValue(forKey: id) else { return }
        if let call = reload.call {
            clients.finish(call, refusal)
        } else {
            report(.reloadRefused(refusal.message))
        }
    }

    /// The repository has been read.
    mutating func scanned(_ id: ReloadID, _ listing: RepositoryListing) {
        guard shutdown == .serving else {
            return refuseReload(id, Refusal(.unavailable, "the server is shutting down"))
        }
        obey(id, listing)
        for (name, found) in listing.models { reload(id, name: name, found) }
        guard let reload = reloads[id] else { return }
        if reload.results.isEmpty, reload.waitsFor == 1, let reference = reload.reference {
            var refusal = Refusal(.notFound, "there is no model '\(reference)' in \(repository)")
            if catalogue.orders.holds(reference) { refusal = catalogue.orders.refusal(ofHeld: reference) }
            return refuseReload(id, refusal)
        }
        if reload.answer == .begun, let call = reload.call {
            reloads[id]?.call = nil
            clients.finish(call, payload: ReloadResponse(results: reload.results).encode())
        }
        settle(id)
    }

    private mutating func reload(_ id: ReloadID, name: String, _ found: Result<RepositoryModel?, ConfigurationError>) {
        guard let reload = reloads[id] else { return }
        let present = catalogue.named(name).compactMap { id in catalogue[id].map { (id: id, edition: $0.edition) } }
        guard case .success(let found) = found else {
            if case .failure(let error) = found { refuseLoad(id, name: name, error) }
            return
        }
        let served = take(found?.served ?? [], of: name)
        var exchange = Exchange(wanted: Set(served.map { Edition(version: $0.folder.version, variant: $0.variant) }))
        for (model, edition) in present
        where !exchange.wanted.contains(edition) && !catalogue.orders.holding.callsFor(name, edition) {
            guard reload.means(edition) || catalogue[model]?.isKept == true, begin(model, id) else { continue }
            if found == nil || catalogue[model]?.lifecycle.state != .ready {
                unload(model)
            } else {
                exchange.leaving.append(model)
            }
        }
        guard let found else { return }
        for (folder, variant) in served {
            let edition = Edition(version: folder.version, variant: variant)
            guard reload.means(edition), !(reload.isLoad && goesOn(name, edition, id)) else { continue }
            let model =
                present.first { $0.edition == edition }?.id
                ?? add(name: name, edition, path: folder.path, found.configuration)
            catalogue.update(model) { $0.isKept = false }
            guard begin(model, id) else { continue }
            exchange.loading.insert(edition)
            load(model, path: folder.path, found.configuration)
        }
        reloads[id]?.exchanges[name] = exchange
        conclude(name, of: id)
    }

    /// A model's configuration cannot be read. What serves goes on; what does not says why.
    private mutating func refuseLoad(_ id: ReloadID, name: String, _ error: ConfigurationError) {
        let none = Edition(version: 0, variant: "fp32")
        guard let reload = reloads[id], !catalogue.orders.holding.callsFor(name, none) else { return }
        var concerned = catalogue.named(name).filter { catalogue[$0].map { reload.means($0.edition) } ?? false }
        if concerned.isEmpty, reload.reference?.version == nil, reload.reference?.variant == nil {
            concerned = [add(name: name, none, path: "\(repository)/\(name)", ModelConfiguration())]
        }
        for model in concerned where begin(model, id) {
            change(model) { model, _ in model.refuseLoad(.invalidArgument, error.message) }
        }
    }

    // MARK: - Exchanging

    /// Once all loads of a name are over, decides about the rest of it.
    private mutating func conclude(_ name: String, of id: ReloadID) {
        guard let exchange = reloads[id]?.exchanges[name], exchange.loading.isEmpty else { return }
        reloads[id]?.exchanges[name] = nil
        replace(exchange.leaving, named: name, wanted: exchange.wanted)
    }

    /// A model serves. When a reload could not replace others of its name, it may be done now.
    mutating func replaceKept(_ name: String) {
        guard !reloads.values.contains(where: { $0.exchanges[name] != nil }) else { return }
        let models = catalogue.named(name).compactMap { id in catalogue[id].map { (id: id, model: $0) } }
        let kept = models.filter { $0.model.isKept }.map(\.id)
        let wanted = models.map(\.model).filter { !$0.isKept && $0.retiresBy == nil && !$0.lifecycle.isUnloading }
        if !kept.isEmpty { replace(kept, named: name, wanted: Set(wanted.map(\.edition))) }
    }

    /// - Parameter leaving: those of a name that are not wanted.
    private mutating func replace(_ leaving: [QueueID], named name: String, wanted: Set<Edition>) {
        let serving = catalogue.named(name).compactMap { catalogue[$0] }.filter { $0.lifecycle.state == .ready }
        let rule = Replacement(wanted: wanted, serving: Set(serving.map(\.edition)))
        let missing = rule.missing.sorted { ($0.version, $0.variant) < ($1.version, $1.variant) }
            .map { ModelReference(name: name, version: $0.version, variant: $0.variant).description }
        for leaving in leaving {
            guard let model = catalogue[leaving], !model.lifecycle.isUnloading else { continue }
            if rule.allows(model.edition) {
                let retiresBy = now + configuration.drainTimeout
                catalogue.update(leaving) { ($0.isKept, $0.retiresBy) = (false, retiresBy) }
                retiring.append(leaving)
                report(.replaced(model: model.reference))
            } else {
                let message =
                    "it is no longer wanted, but serves on: what should replace it does not serve "
                    + "(\(missing.joined(separator: ", ")))"
                catalogue.update(leaving) { model in
                    model.isKept = true
                    model.lifecycle.keep(message)
                }
                if model.reload != nil { report(.kept(model: model.reference, message)) }
                reloaded(leaving, .aborted, message, generation: model.lifecycle.serving?.number ?? 0)
            }
        }
    }

    /// Unloads each model that retires and has answered everything.
    mutating func advanceRetirements() {
        for id in retiring {
            guard let model = catalogue[id], !model.lifecycle.isUnloading else { continue }
            let left = scheduler.status(of: id)
            if left.queued + left.computing == 0 || Deadline(model.retiresBy).isDue(at: now) { unload(id) }
        }
        retiring.removeAll { catalogue[$0]?.lifecycle.isUnloading ?? true }
    }

    mutating func unload(_ id: QueueID) {
        guard let model = catalogue[id] else { return }
        let message =
            catalogue.orders.holding.callsFor(model.name, model.edition)
            ? "the model was unloaded by the operator"
            : "the model is no longer in the repository, or its variant not enabled"
        let refusal = Refusal(.unavailable, message)
        change(id) { $0.unload(gracefully: true, refusal, at: $1) }
    }

    // MARK: - Answering

    /// Makes a reload wait for a model; when that is being changed already, the reload of it is aborted.
    private mutating func begin(_ model: QueueID, _ id: ReloadID) -> Bool {
        guard let present = catalogue[model] else { return false }
        guard !present.lifecycle.isChanging, present.reload == nil else {
            let message =
                present.lifecycle.isUnloading
                ? "it is being unloaded: ask again after that" : "another load of this model is under way"
            if reloads[id]?.call == nil { report(.reloadRefused("\(present.reference): \(message)")) }
            add(present.result(.aborted, message), to: id)
            return false
        }
        catalogue.update(model) { $0.reload = id }
        reloads[id]?.waitsFor += 1
        return true
    }

    /// A model's part of a reload is over.
    mutating func reloaded(_ model: QueueID, _ code: StatusCode, _ message: String, generation: UInt64) {
        guard let present = catalogue[model], let id = present.reload else { return }
        catalogue.update(model) { $0.reload = nil }
        if reloads[id]?.exchanges[present.name]?.loading.remove(present.edition) != nil {
            conclude(present.name, of: id)
        }
        add(ReloadResult(model: present.reference, status: code, message: message, generation: generation), to: id)
        settle(id)
    }

    mutating func add(_ result: ReloadResult, to id: ReloadID) {
        reloads[id]?.results.append(result)
        guard let reload = reloads[id], let call = reload.call, reload.answer == .each else { return }
        clients.tell(call, payload: result.encode())
    }

    mutating func settle(_ id: ReloadID) {
        reloads[id]?.waitsFor -= 1
        guard let reload = reloads[id], reload.waitsFor == 0 else { return }
        reloads[id] = nil
        guard let call = reload.call else { return }
        let results = reload.results.sorted { $0.model < $1.model }
        clients.finish(call, payload: reload.answer == .each ? [] : ReloadResponse(results: results).encode())
    }
}

extension ServedModel {
    /// Of one that is not loaded anew.
    func result(_ code: StatusCode, _ message: String = "") -> ReloadResult {
        ReloadResult(model: reference, status: code, message: message, generation: lifecycle.serving?.number ?? 0)
    }
}
