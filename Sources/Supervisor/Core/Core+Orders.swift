import Configuration
import Messages
import Time
import Wire

/// What the operator wants done to models: loading, unloading, draining.
extension Core {
    // MARK: - Loading

    /// Loads what is not loaded of what the reference may mean, from now on also in reloads.
    mutating func load(_ reference: ModelReference, _ call: ControlCall) {
        guard let id = beginReload(Reload(call: call, reference: reference, isLoad: true)) else { return }
        report(.ordered(.load, model: "\(reference)", by: clients.caller(call.client)))
        effects.append(.scan(id, model: reference.name, also: []))
    }

    /// Before the repository is compared with what is loaded: what is to be loaded is held no more, if it is there.
    mutating func obey(_ id: ReloadID, _ listing: RepositoryListing) {
        guard let reload = reloads[id], reload.isLoad, let reference = reload.reference else { return }
        let isThere = listing.models.contains { _, found in
            guard case .success(let model) = found else { return true }
            return model?.served.contains { reload.means(Edition(version: $0.folder.version, variant: $0.variant)) }
                ?? false
        }
        if isThere { catalogue.orders.holding.say(false, of: reference) }
    }

    /// Of what the repository has of a name, that which is to be served.
    mutating func take(
        _ found: [(folder: ModelFolder, variant: String)],
        of name: String
    ) -> [(folder: ModelFolder, variant: String)] {
        let orders = catalogue.orders
        func isHeld(_ folder: ModelFolder, _ variant: String) -> Bool {
            orders.holding.callsFor(name, Edition(version: folder.version, variant: variant))
        }
        let held = found.filter(isHeld).map { Edition(version: $0.folder.version, variant: $0.variant) }
        catalogue.orders.held[name] = held.isEmpty ? nil : Set(held)
        return found.filter { !isHeld($0.folder, $0.variant) }
    }

    /// Whether there is a model that serves, so that it need not be loaded. If it was about to go, it stays.
    mutating func goesOn(_ name: String, _ edition: Edition, _ id: ReloadID) -> Bool {
        let present = catalogue.named(name).first { catalogue[$0]?.edition == edition }
        guard let present, let model = catalogue[present], model.lifecycle.state == .ready else { return false }
        retiring.removeAll { $0 == present }
        catalogue.update(present) { ($0.retiresBy, $0.unloads) = (nil, []) }
        for unload in model.unloads {
            add(model.result(.aborted, "it was loaded again"), to: unload)
            settle(unload)
        }
        add(model.result(.ok), to: id)
        return true
    }

    // MARK: - Unloading

    /// Takes nothing new for what the reference may mean, answers what was accepted, and unloads it. No reload loads it.
    mutating func unload(_ reference: ModelReference, _ call: ControlCall) {
        let models = catalogue.named(reference.name).filter { catalogue[$0].map { reference.means($0.label) } ?? false }
        guard let id = beginReload(Reload(call: call, reference: reference)) else { return }
        guard !models.isEmpty || catalogue.orders.holds(reference) else {
            return refuseReload(id, Refusal(.notFound, "no model '\(reference)' is loaded"))
        }
        report(.ordered(.unload, model: "\(reference)", by: clients.caller(call.client)))
        catalogue.orders.holding.say(true, of: reference)
        for model in models {
            guard let present = catalogue[model] else { continue }
            if present.version > 0 { catalogue.orders.held[present.name, default: []].insert(present.edition) }
            reloads[id]?.waitsFor += 1
            catalogue.update(model) { ($0.isKept, $0.unloads) = (false, $0.unloads + [id]) }
            guard !present.lifecycle.isUnloading, present.retiresBy == nil else { continue }
            if present.lifecycle.state == .ready {
                let retiresBy = now + configuration.drainTimeout
                catalogue.update(model) { $0.retiresBy = retiresBy }
                retiring.append(model)
            } else {
                unload(model)
            }
        }
        settle(id)
    }

    /// A model is gone.
    mutating func unloaded(_ id: QueueID) {
        guard let model = catalogue[id] else { return }
        let result = ReloadResult(model: model.reference, status: .ok, message: "unloaded", generation: 0)
        for unload in model.unloads {
            add(result, to: unload)
            settle(unload)
        }
    }

    // MARK: - Draining

    mutating func drain(_ request: DrainRequest, _ call: ControlCall) throws(WireError) {
        let reference = request.model.isEmpty ? nil : try ModelReference(parsing: request.model)
        let models = catalogue.entries.map(\.model).filter { reference?.means($0.label) ?? true }
        if let reference {
            guard !models.isEmpty || request.undo && catalogue.orders.draining.mentions(reference.name) else {
                return clients.finish(call, Refusal(.notFound, "no model '\(reference)' is loaded"))
            }
            catalogue.orders.draining.say(!request.undo, of: reference)
        } else {
            catalogue.orders.drainsServer = !request.undo
        }
        let order = request.undo ? Order.drainUndone : .drain
        report(.ordered(order, model: reference.map { "\($0)" } ?? "all", by: clients.caller(call.client)))
        clients.finish(call, payload: DrainResponse(models: models.map(\.reference)).encode())
    }
}
