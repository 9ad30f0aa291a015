import Messages
import Supervisor
import Wire

/// What became of a version folder's variants, for people and for scripts.
struct CheckReport {
    private struct Variant {
        let name: String
        let outcome: Result<FolderCheck.Served, any Error>

        var served: FolderCheck.Served? { try? outcome.get() }
        /// Why it is refused; empty when it is not.
        var reason: String {
            if case .failure(let error) = outcome { "\(error)" } else { "" }
        }
    }

    private let folder: ModelFolder
    private let variants: [Variant]

    /// Tries each variant of the configuration.
    init(_ folder: ModelFolder, _ configuration: ModelConfiguration, with check: FolderCheck) {
        self.folder = folder
        variants = configuration.variants.map { name in
            Variant(name: name, outcome: Result { try check.load(folder, variant: name, of: configuration) })
        }
    }

    /// Whether every variant is served.
    var isServed: Bool { variants.allSatisfy { $0.served != nil } }

    /// What a worker of any variant said of the model.
    private var ready: FromWorker.Ready? { variants.lazy.compactMap(\.served?.ready).first }

    /// The class of a head that this software has not, so that the model serves as an encoder.
    private var headLeftOut: String? {
        guard let ready, ready.architecture.contains("For") else { return nil }
        return ready.tasks.allSatisfy(["embed", "features", "tokenize", "infer"].contains) ? ready.architecture : nil
    }

    // MARK: - For people

    var lines: [String] {
        var lines = [Style.bold(HumanText.printable(folder.path))]
        if let ready {
            lines.append(
                HumanText.printable("  \(ready.architecture), family \(ready.family), up to \(ready.maxTokens) tokens")
            )
            lines.append("  tasks: \(ready.tasks.joined(separator: ", "))")
            if !ready.labels.isEmpty {
                lines.append(HumanText.printable("  labels: \(ready.labels.joined(separator: ", "))"))
            }
            if let head = headLeftOut {
                lines.append(HumanText.printable("  the head of \(head) is left out: the model serves as an encoder"))
            }
        }
        var table = Table([
            .text("VARIANT"), .text("STATE"), .number("WEIGHTS"), .number("WORKER"), .text("COMPUTES WITH"),
            .number("EXPECTED ANSWERS"),
        ])
        for variant in variants {
            if let served = variant.served {
                let ready = served.ready
                table.add(
                    [
                        variant.name, "good", HumanText.bytes(Int(ready.packBytes)),
                        served.workerBytes.map(HumanText.bytes) ?? "-", ready.instructionSet,
                        ready.expectedAnswers > 0 ? "\(ready.expectedAnswers) agree" : "-",
                    ],
                    styles: [1: .green]
                )
                for proof in ready.failedProofs {
                    table.addNote("    " + Style.red(HumanText.printable("not used, as it computes wrongly: \(proof)")))
                }
                if let quality = served.quality { Self.describe(quality).forEach { table.addNote("    " + $0) } }
            } else {
                table.add([variant.name, "REFUSED", "-", "-", "-", "-"], styles: [1: .red])
                table.addNote("    " + Style.red(HumanText.printable(variant.reason)))
            }
        }
        return lines + [""] + table.lines
    }

    private static func describe(_ quality: ModelQuality) -> [String] {
        func number(_ value: Double) -> String { HumanText.fixed(value, 5) }
        var line =
            "against fp32 on \(quality.texts) texts: mean cosine \(number(quality.meanCosine)), "
            + "least \(number(quality.leastCosine))"
        if quality.predictions > 0 {
            line += ", same prediction \(HumanText.fixed(100 * quality.agreement, 1)) %, "
            line += "largest score change \(number(quality.largestScoreChange))"
        }
        return quality.exceptions.isEmpty
            ? [line] : [line, "kept in bf16: \(quality.exceptions.joined(separator: ", "))"]
    }

    // MARK: - For scripts

    var json: String {
        JSONText.object([
            "folder": JSONText.string(folder.path), "ok": "\(isServed)",
            "architecture": ready.map { JSONText.string($0.architecture) } ?? "null",
            "family": ready.map { JSONText.string($0.family) } ?? "null",
            "tasks": JSONText.array((ready?.tasks ?? []).map(JSONText.string)),
            "labels": JSONText.array((ready?.labels ?? []).map(JSONText.string)),
            "max_tokens": ready.map { "\($0.maxTokens)" } ?? "null",
            "variants": JSONText.array(variants.map(Self.json)),
        ])
    }

    private static func json(_ variant: Variant) -> String {
        let ready = variant.served?.ready
        return JSONText.object([
            "variant": JSONText.string(variant.name), "ok": "\(ready != nil)",
            "reason": JSONText.string(variant.reason),
            "weight_bytes": ready.map { "\($0.packBytes)" } ?? "null",
            "worker_bytes": variant.served?.workerBytes.map { "\($0)" } ?? "null",
            "instruction_set": ready.map { JSONText.string($0.instructionSet) } ?? "null",
            "failed_proofs": JSONText.array((ready?.failedProofs ?? []).map(JSONText.string)),
            "expected_answers": ready.map { "\($0.expectedAnswers)" } ?? "null",
            "quality": variant.served?.quality.map(json) ?? "null",
        ])
    }

    private static func json(_ quality: ModelQuality) -> String {
        let hasPredictions = quality.predictions > 0
        return JSONText.object([
            "texts": "\(quality.texts)", "mean_cosine": JSONText.number(quality.meanCosine),
            "least_cosine": JSONText.number(quality.leastCosine),
            "agreement": hasPredictions ? JSONText.number(quality.agreement) : "null",
            "largest_score_change": hasPredictions ? JSONText.number(quality.largestScoreChange) : "null",
            "exceptions": JSONText.array(quality.exceptions.map(JSONText.string)),
            "instruction_set": JSONText.string(quality.instructionSet),
        ])
    }
}
