import ModelClient

/// A server's status for scripts, on one line.
enum StatusJSON {
    /// - Parameter isVerbose: with members beyond those that scripts may rely on.
    static func text(_ status: ServerStatus, isVerbose: Bool) -> String {
        var members: [(key: String, value: String)] = [("state", JSONText.string(status.state))]
        if isVerbose {
            members += [
                ("version", JSONText.string(status.version)), ("pid", "\(status.pid)"),
                ("uptime_seconds", "\(status.uptime.components.seconds)"), ("connections", "\(status.connections)"),
                ("pss_bytes", "\(status.pssBytes)"),
            ]
        }
        members.append(("models", JSONText.array(status.models.map { model($0, isVerbose: isVerbose) })))
        return JSONText.object(members)
    }

    private static func model(_ model: ModelStatus, isVerbose: Bool) -> String {
        var members: [(key: String, value: String)] = [
            ("name", JSONText.string(model.name)), ("version", "\(model.version)"),
            ("variant", JSONText.string(model.variant)), ("state", JSONText.string(model.state)),
            ("reason", JSONText.string(model.reason)),
            ("workers", JSONText.array(model.workers.map { worker($0, isVerbose: isVerbose) })),
        ]
        if isVerbose {
            members += [
                ("generation", "\(model.generation)"), ("requests", "\(model.requests)"),
                ("failures", "\(model.failures)"), ("queued", "\(model.queued)"), ("computing", "\(model.computing)"),
                ("replays", "\(model.replays)"), ("tasks", JSONText.array(model.tasks.map(JSONText.string))),
                ("max_tokens", "\(model.maximumTokens)"), ("pack_bytes", "\(model.packBytes)"),
                ("architecture", JSONText.string(model.architecture)), ("numa", JSONText.string(model.numa)),
                ("path", JSONText.string(model.path)), ("quality", model.quality.map(quality) ?? "null"),
                ("instruction_set", JSONText.string(model.instructionSet)),
                ("failed_proofs", JSONText.array(model.failedProofs.map(JSONText.string))),
            ]
        }
        return JSONText.object(members)
    }

    private static func quality(_ quality: VariantQuality) -> String {
        JSONText.object([
            "texts": "\(quality.texts)", "mean_cosine": JSONText.number(quality.meanCosine),
            "least_cosine": JSONText.number(quality.leastCosine),
            "agreement": quality.agreement.map { JSONText.number($0) } ?? "null",
            "largest_score_change": quality.largestScoreChange.map { JSONText.number($0) } ?? "null",
            "exceptions": JSONText.array(quality.exceptions.map(JSONText.string)),
            "instruction_set": JSONText.string(quality.instructionSet),
        ])
    }

    private static func worker(_ worker: WorkerStatus, isVerbose: Bool) -> String {
        var members: [(key: String, value: String)] = [
            ("pid", "\(worker.pid)"), ("slot", "\(worker.slot)"), ("numa_node", "\(worker.numaNode)"),
            ("cpus", JSONText.string(worker.cpus)), ("state", JSONText.string(worker.state)),
            ("restarts", "\(worker.restarts)"), ("rss_bytes", "\(worker.rssBytes)"),
            ("pss_bytes", "\(worker.pssBytes)"),
        ]
        if isVerbose {
            members += [
                ("requests", "\(worker.requests)"), ("generation", "\(worker.generation)"),
                ("last_exit", JSONText.string(worker.lastExit)),
            ]
        }
        return JSONText.object(members)
    }
}
