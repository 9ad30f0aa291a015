import Configuration
import JSON
import Messages
import ModelClient

/// What became of a version folder's variants, for people and for scripts.
struct CheckReport {
    private struct Variant {
        let name: String
        let outcome: Result<FolderCheck.Served, any Error>

        var served: FolderCheck.Served? { try? outcome.get() }
        var quality: VariantQuality? { served?.quality.map { VariantQuality($0) } }
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
                variant.quality?.lines.forEach { table.addNote("    " + $0) }
            } else {
                table.add([variant.name, "REFUSED", "-", "-", "-", "-"], styles: [1: .red])
                table.addNote("    " + Style.red(HumanText.printable(variant.reason)))
            }
        }
        return lines + [""] + table.lines
    }

    // MARK: - For scripts

    var json: String {
        JSONText.object([
            "folder": folder.path, "ok": isServed, "architecture": ready?.architecture, "family": ready?.family,
            "tasks": ready?.tasks ?? [], "labels": ready?.labels ?? [], "max_tokens": ready?.maxTokens,
            "variants": variants.map(Self.json),
        ]).json
    }

    private static func json(_ variant: Variant) -> JSONText {
        let ready = variant.served?.ready
        return .object([
            "variant": variant.name, "ok": ready != nil, "reason": variant.reason, "weight_bytes": ready?.packBytes,
            "worker_bytes": variant.served?.workerBytes, "instruction_set": ready?.instructionSet,
            "failed_proofs": ready?.failedProofs ?? [], "expected_answers": ready?.expectedAnswers,
            "quality": variant.quality,
        ])
    }
}
