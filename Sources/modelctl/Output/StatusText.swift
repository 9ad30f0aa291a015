import ModelClient

/// A server's status for people.
struct StatusText {
    /// Also what is rarely of interest: where a model comes from, what it can do, how workers ended.
    var isVerbose = false
    /// Requests per second of each model, by its reference; nil where they are not known.
    var rates: [String: Double]?

    /// The lines to print.
    func lines(_ status: ServerStatus) -> [String] {
        var lines = [heading(status)]
        if isVerbose, status.pssBytes > 0 {
            let (buffered, budget) = (HumanText.bytes(status.bufferedBytes), HumanText.bytes(status.memoryBudget))
            lines.append("memory of modeld itself: \(HumanText.bytes(status.pssBytes))")
            lines.append("requests and answers on their way: \(buffered), at most \(budget)")
        }
        if status.quarantined > 0 {
            lines.append("quarantined requests, each of which has ended two workers: \(status.quarantined)")
        }
        lines += status.held.map { "not loaded, as the operator wants it: \(HumanText.printable($0))" }
        lines.append("")
        guard !status.models.isEmpty else {
            return lines
                + [status.held.isEmpty ? "There is no model in the server's model repository." : "No model is loaded."]
        }
        lines += models(status.models)
        if status.models.contains(where: { !$0.workers.isEmpty }) {
            lines.append("")
            lines += workers(status.models)
        }
        return lines
    }

    private func heading(_ status: ServerStatus) -> String {
        let state = Style.state(status.state)(HumanText.printable(status.state))
        let clients = status.connections == 1 ? "1 client" : "\(status.connections) clients"
        let version = HumanText.printable(status.version)
        return "modeld \(version) is \(state), pid \(status.pid), up \(HumanText.time(status.uptime)), \(clients)"
    }

    private func models(_ models: [ModelStatus]) -> [String] {
        var columns: [Table.Column] = [
            .text("MODEL"), .text("VERSION"), .text("STATE"), .number("GENERATION"), .number("REQUESTS"),
            .number("FAILED"), .number("WAITING"), .number("COMPUTING"),
        ]
        if rates != nil { columns.append(.number("PER SECOND")) }
        var table = Table(columns)
        for model in models {
            var cells = [
                model.name, "\(model.version):\(model.variant)", model.state, "\(model.generation)",
                HumanText.grouped(model.requests), HumanText.grouped(model.failures), HumanText.grouped(model.queued),
                HumanText.grouped(model.computing),
            ]
            if let rates { cells.append(rates[model.reference].map { HumanText.fixed($0, 1) } ?? "") }
            table.add(cells, styles: [0: .bold, 2: .state(model.state)])
            if model.isDrained { table.addNote("    drained by the operator, takes no new requests") }
            if !model.reason.isEmpty { table.addNote("    " + Style.red(HumanText.printable(model.reason))) }
            if isVerbose { details(of: model).forEach { table.addNote("    " + Style.dim(HumanText.printable($0))) } }
        }
        return table.lines
    }

    private func details(of model: ModelStatus) -> [String] {
        var details: [String] = []
        if !model.architecture.isEmpty {
            details.append(
                "\(model.architecture), up to \(model.maximumTokens) tokens, can \(model.tasks.joined(separator: ", "))"
            )
        }
        if model.packBytes > 0 { details.append("packed weights: \(HumanText.bytes(model.packBytes))") }
        if let quality = model.quality { details += quality.lines }
        if !model.instructionSet.isEmpty { details.append("computes with \(model.instructionSet)") }
        details += model.failedProofs.map { "not used, as it computes wrongly here: \($0)" }
        if !model.numa.isEmpty { details.append("weights in memory: \(model.numa)") }
        if !model.path.isEmpty { details.append("from \(model.path)") }
        if model.replays > 0 {
            details.append("\(HumanText.grouped(model.replays)) requests computed anew after a worker's death")
        }
        return details
    }

    private func workers(_ models: [ModelStatus]) -> [String] {
        var columns: [Table.Column] = [
            .number("WORKER"), .text("MODEL"), .number("SLOT"), .number("NODE"), .text("CPUS"), .text("STATE"),
            .number("RESTARTS"), .number("REQUESTS"), .number("MEMORY"),
        ]
        if isVerbose { columns += [.number("RESIDENT"), .number("GENERATION")] }
        var table = Table(columns)
        for model in models {
            for worker in model.workers {
                let memory = worker.pssBytes > 0 ? worker.pssBytes : worker.rssBytes
                var cells = [
                    worker.pid > 0 ? "\(worker.pid)" : "-", model.reference, "\(worker.slot)",
                    worker.numaNode >= 0 ? "\(worker.numaNode)" : "-", worker.cpus, worker.state,
                    HumanText.grouped(worker.restarts), HumanText.grouped(worker.requests),
                    memory > 0 ? HumanText.bytes(memory) : "-",
                ]
                if isVerbose { cells += [HumanText.bytes(worker.rssBytes), "\(worker.generation)"] }
                table.add(cells, styles: [5: .state(worker.state)])
                if isVerbose, let memory = worker.memory, worker.numaNode >= 0 {
                    table.addNote("        " + memory.line(onNode: worker.numaNode))
                }
                if isVerbose, worker.pid > 0 {
                    let held = worker.sandbox.isEmpty ? "nothing" : HumanText.printable(worker.sandbox)
                    table.addNote("        held to: " + held)
                }
                if let next = worker.nextStart {
                    table.addNote("        \(worker.state.lowercased()), next start in \(HumanText.time(next))")
                }
                if !worker.lastExit.isEmpty, isVerbose || worker.state != "READY" {
                    table.addNote("        the one before: " + HumanText.printable(worker.lastExit))
                }
            }
        }
        return table.lines
    }
}

extension WorkerStatus.Memory {
    fileprivate func line(onNode node: Int) -> String {
        func share(_ part: Int, _ whole: Int) -> String {
            whole > 0 ? HumanText.fixed(100 * Double(part) / Double(whole), 1) + " %" : "-"
        }
        return "on node \(node): \(share(weightsOnNode, weights)) of its \(HumanText.bytes(weights)) of weights, "
            + "\(share(ownOnNode, own)) of its other \(HumanText.bytes(own)); \(HumanText.bytes(huge)) in huge pages"
    }
}

extension VariantQuality {
    /// How good it is, for people, and what was done for it.
    var lines: [String] {
        func number(_ value: Double) -> String { HumanText.fixed(value, 5) }
        var line = "against fp32 on \(texts) texts: mean cosine \(number(meanCosine)), least \(number(leastCosine))"
        if let agreement, let largestScoreChange {
            line += ", same prediction \(HumanText.fixed(100 * agreement, 1)) %"
            line += ", largest score change \(number(largestScoreChange))"
        }
        return exceptions.isEmpty ? [line] : [line, "kept in bf16: \(exceptions.joined(separator: ", "))"]
    }
}
