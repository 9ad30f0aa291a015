import JSON
import ModelClient

// What `modelctl status --json` prints.

extension ServerStatus {
    /// - Parameter isVerbose: with members beyond those that scripts may rely on.
    func json(isVerbose: Bool) -> JSONText {
        var members: [(key: String, value: any JSONWritable)] = [("state", state)]
        if isVerbose {
            members += [
                ("version", version), ("pid", pid), ("uptime_seconds", uptime.components.seconds),
                ("connections", connections), ("pss_bytes", pssBytes),
                ("buffered_bytes", bufferedBytes), ("memory_budget", memoryBudget), ("quarantined", quarantined),
                ("held", held),
            ]
        }
        return .object(members + [("models", models.map { $0.json(isVerbose: isVerbose) })])
    }
}

extension ModelStatus {
    fileprivate func json(isVerbose: Bool) -> JSONText {
        var members: [(key: String, value: any JSONWritable)] = [
            ("name", name), ("version", version), ("variant", variant), ("state", state), ("reason", reason),
            ("workers", workers.map { $0.json(isVerbose: isVerbose) }),
        ]
        if isVerbose {
            members += [
                ("generation", generation), ("requests", requests), ("failures", failures), ("queued", queued),
                ("computing", computing), ("replays", replays), ("tasks", tasks), ("max_tokens", maximumTokens),
                ("pack_bytes", packBytes), ("architecture", architecture), ("numa", numa), ("path", path),
                ("quality", quality), ("instruction_set", instructionSet), ("failed_proofs", failedProofs),
                ("drained", isDrained),
            ]
        }
        return .object(members)
    }
}

extension WorkerStatus {
    fileprivate func json(isVerbose: Bool) -> JSONText {
        var members: [(key: String, value: any JSONWritable)] = [
            ("pid", pid), ("slot", slot), ("numa_node", numaNode), ("cpus", cpus), ("state", state),
            ("restarts", restarts), ("rss_bytes", rssBytes), ("pss_bytes", pssBytes),
        ]
        if isVerbose {
            members += [("requests", requests), ("generation", generation), ("last_exit", lastExit)]
            members.append(("sandbox", sandbox))
            if let nextStart { members.append(("next_start_seconds", nextStart / .seconds(1))) }
            if let memory {
                let json = JSONText.object([
                    "weights_bytes": memory.weights, "weights_bytes_on_node": memory.weightsOnNode,
                    "own_bytes": memory.own, "own_bytes_on_node": memory.ownOnNode, "huge_bytes": memory.huge,
                ])
                members.append(("memory", json))
            }
        }
        return .object(members)
    }
}

extension VariantQuality: JSONWritable {
    package var json: String {
        JSONText.object([
            "texts": texts, "mean_cosine": meanCosine, "least_cosine": leastCosine, "agreement": agreement,
            "largest_score_change": largestScoreChange, "exceptions": exceptions, "instruction_set": instructionSet,
        ]).json
    }
}
