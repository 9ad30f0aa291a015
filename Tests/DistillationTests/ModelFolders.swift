import Distillation
import ModelFiles
import TestSupport

/// Small classifiers on the disk, and texts that they label themselves.
struct ModelFolders {
    let folder: TemporaryFolder
    static let labels = ["low", "middle", "high"]
    private static let words = [
        "one", "two", "three", "what", "is", "this", "ok", "fine", "more", "words", "日本", "late",
    ]

    init() throws { folder = try TemporaryFolder() }

    /// Writes a model and returns its path.
    func classifier(_ name: String, seed: UInt64, layers: Int = 2, recipe: String? = nil) throws -> String {
        try folder.makeFolder(name)
        var checkpoint = SeededCheckpoint(family: .distilBERT, layers: layers)
        checkpoint.labels = Self.labels.count
        checkpoint.labelNames = Self.labels
        checkpoint.spread = 0.25
        checkpoint.seed = seed
        try checkpoint.write(to: folder(name))
        if let recipe { try folder.write("\(name)/recipe.yaml", recipe) }
        return folder(name)
    }

    static func texts(_ count: Int, seed: UInt64) -> [String] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { number in
            let words = (0..<3 + generator.below(6)).map { _ in Self.words[generator.below(Self.words.count)] }
            return words.joined(separator: " ") + " \(number)"
        }
    }

    /// Texts with the labels that a model gives them.
    static func labelled(by model: String, _ count: Int, seed: UInt64) throws -> Dataset {
        let examples = texts(count, seed: seed).map { Example(text: $0) }
        let probabilities = try ServedModel(directory: model).probabilities(of: examples)
        return Dataset(
            task: .classify,
            labels: labels,
            examples: zip(examples, probabilities).map { example, row in
                let best = row.indices.max { row[$0] < row[$1] } ?? 0
                return Example(text: example.text, target: .label(best))
            }
        )
    }
}
