import Configuration
import Messages
import Topology
import Wire

/// A copy of a pack that is being made in the memory of a node.
struct CopyJob {
    let model: QueueID
    let generation: UInt64
    let node: Int
    /// Whether the shell has a file for it.
    var isOpen = false
}

/// The copies of packs on NUMA nodes: a generation's workers start when all of them are there, or when it is known that there
/// will be none.
extension Core {
    /// The generation's pack is open: its weights get to where they are to lie.
    ///
    /// - Parameter own: what a worker of the model has for itself, in bytes.
    mutating func place(_ id: QueueID, _ generation: UInt64, room: MemoryRoom, own: UInt64?) {
        guard let model = catalogue[id], let pack = model.generations[generation]?.pack else { return }
        let seats = model.lifecycle.generation(generation)?.slots ?? []
        let placement = WeightPlacement.plan(
            configuration.numa,
            isStrict: configuration.isNUMAStrict,
            nodes: Set(seats.compactMap { knownSlots[$0]?.node }),
            bytes: pack.bytes,
            room: room
        )
        catalogue.update(id) { $0.generations[generation]?.pack?.placement = placement }
        // One that replaces nothing has nothing to spare.
        if model.lifecycle.state == .ready, model.lifecycle.incoming?.number == generation,
            let reason = placement.shortage(
                bytes: isMapped(pack, exceptBy: id, generation) ? 0 : pack.bytes,
                copy: pack.bytes,
                workers: seats.count,
                own: own,
                room: room
            )
        {
            return failPack(of: id, generation, .resourceExhausted, reason)
        }
        switch placement {
        case .shared(let reason, let isLacking):
            if isLacking { report(.notReplicated(model: model.reference, reason)) }
            usePack(of: id, generation)
        case .refused(let reason): failPack(of: id, generation, .resourceExhausted, reason)
        case .replicated(let nodes):
            for node in nodes {
                let job = PackJobID(nextID())
                copyJobs[job] = CopyJob(model: id, generation: generation, node: node)
                enqueue(packs.request(job, isCopy: true, at: now))
            }
        }
    }

    private func isMapped(_ pack: OpenPack, exceptBy id: QueueID, _ generation: UInt64) -> Bool {
        catalogue.entries.contains { other, model in
            model.generations.contains { number, files in
                files.pack?.key == pack.key && (other, number) != (id, generation)
            }
        }
    }

    private mutating func usePack(of id: QueueID, _ generation: UInt64) {
        guard let pack = catalogue[id]?.generations[generation]?.pack else { return }
        change(id) { $0.packed(generation: generation, key: pack.key, at: $1) }
    }

    /// A slot for whom makes a copy: the pages of what a process touches come from its node. One that is gone will do, too.
    func slot(forCopy job: PackJobID) -> Slot? {
        guard let node = copyJobs[job]?.node else { return nil }
        return slots.first { $0.node == node } ?? knownSlots.values.filter { $0.node == node }.min { $0.id < $1.id }
    }

    mutating func sendCopy(_ job: PackJobID, to worker: WorkerID) {
        guard let copy = copyJobs[job], let pack = catalogue[copy.model]?.generations[copy.generation]?.pack,
            processes[worker]?.channelClosed == false
        else { return }
        copyJobs[job]?.isOpen = true
        let frame = ToWorker.Copy(packKey: pack.key, strict: configuration.isNUMAStrict)
        tell(worker, .copy(frame), with: [.pack(pack.id), .memory(job)])
    }

    mutating func copied(_ job: PackJobID) {
        guard let copy = copyJobs.removeValue(forKey: job) else { return }
        catalogue.update(copy.model) { $0.generations[copy.generation]?.pack?.copies[copy.node] = job }
        guard !copyJobs.values.contains(where: { $0.model == copy.model && $0.generation == copy.generation }) else {
            return
        }
        usePack(of: copy.model, copy.generation)
    }

    /// Whether the job was a copy's. Without one of them there is none, so that all workers of a generation are alike.
    mutating func copyFailed(_ job: PackJobID, _ code: StatusCode, _ message: String) -> Bool {
        guard let copy = copyJobs[job] else { return false }
        closeCopies(of: copy.model, copy.generation)
        // A damaged pack is found so by the first worker too, is made again, and then copied.
        guard configuration.isNUMAStrict, code != .dataLoss else {
            let placement = WeightPlacement.shared(message, isLacking: true)
            catalogue.update(copy.model) { $0.generations[copy.generation]?.pack?.placement = placement }
            report(.notReplicated(model: catalogue[copy.model]?.reference ?? "", message))
            usePack(of: copy.model, copy.generation)
            return true
        }
        failPack(of: copy.model, copy.generation, .resourceExhausted, message)
        return true
    }

    /// Closes the pack of a generation and all copies, made or not.
    mutating func closePack(of id: QueueID, _ generation: UInt64) {
        closeCopies(of: id, generation)
        guard let pack = catalogue[id]?.generations[generation]?.pack else { return }
        effects.append(.closePack(pack.id))
        catalogue.update(id) { $0.generations[generation]?.pack = nil }
    }

    private mutating func closeCopies(of id: QueueID, _ generation: UInt64) {
        let theirs = copyJobs.filter { ($0.value.model, $0.value.generation) == (id, generation) }
        for (job, copy) in theirs.sorted(by: { $0.key < $1.key }) {
            copyJobs[job] = nil
            enqueue(packs.cancel(job, at: now))
            if copy.isOpen { effects.append(.closePack(job)) }
        }
        for job in catalogue[id]?.generations[generation]?.pack?.copies.values.sorted() ?? [] {
            effects.append(.closePack(job))
        }
        catalogue.update(id) { $0.generations[generation]?.pack?.copies = [:] }
    }
}
