import ArgumentParser
import JSON
import ModelClient

/// What becomes of models that are loaded or unloaded: for people a line for each at once, as JSON one at the end.
struct LoadReport {
    private(set) var outcomes: [ReloadOutcome] = []
    private let isJSON: Bool
    /// The generations before, by reference.
    private let generations: [String: UInt64]

    init(before: ServerStatus, isJSON: Bool) {
        generations = Dictionary(before.models.map { ($0.reference, $0.generation) }) { first, _ in first }
        self.isJSON = isJSON
    }

    mutating func add(_ outcome: ReloadOutcome) {
        outcomes.append(outcome)
        let name = HumanText.printable(outcome.model)
        let old = generations[outcome.model] ?? 0
        if let failure = outcome.failure {
            let serving = outcome.generation > 0 ? "generation \(outcome.generation) serves on" : "nothing serves"
            let message = HumanText.printable(failure.message)
            Console.error("\(name) was not reloaded, \(serving): \(failure.code): \(message)")
        } else if !isJSON {
            Console.line(
                "\(name): generation \(old) → \(outcome.generation == 0 ? "unloaded" : "\(outcome.generation)")"
            )
        }
    }

    /// - Throws: the exit status, when one has failed.
    func finish() throws {
        if isJSON {
            Console.line(outcomes.sorted { $0.model < $1.model }.map(json).json)
        } else if outcomes.isEmpty {
            Console.line("There is no model in the server's model repository.")
        }
        if outcomes.contains(where: { $0.failure != nil }) { throw ExitCode.failure }
    }

    private func json(_ outcome: ReloadOutcome) -> JSONText {
        let failure = outcome.failure.map { JSONText.object(["code": "\($0.code)", "message": $0.message]) }
        return .object([
            "model": outcome.model, "old_generation": generations[outcome.model] ?? 0, "generation": outcome.generation,
            "error": failure,
        ])
    }
}
