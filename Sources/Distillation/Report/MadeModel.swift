import Glibc

/// A model's folder, and what its recipe says of how it was made; a folder from elsewhere has no recipe.
struct MadeModel {
    let directory: String
    let recipe: RecipeFile?

    init(_ directory: String) throws(DistillationError) {
        self.directory = directory
        let path = "\(directory)/\(RecipeFile.name)"
        recipe = access(path, F_OK) == 0 ? try RecipeFile(reading: path) : nil
    }

    var seed: UInt64? { recipe?.settings.integer(.seed).map { UInt64($0) } }

    /// A word of the command that made it; nil where it is not said.
    func word(_ key: String) -> String? {
        recipe?.command.first { $0.key == key }.flatMap { $0.value.isEmpty ? nil : $0.value }
    }

    /// What it has in common with the other models of its system: the recipe but for the seed. Where a report has several draws
    /// of data, neither which draw it is nor that draw's teacher counts, but how many files of each kind there were.
    func system(ofSeveralDraws: Bool) -> System? {
        guard let recipe else { return nil }
        var words = Dictionary(recipe.command.map { ($0.key, $0.value) }) { first, _ in first }
        if ofSeveralDraws {
            for key in ["teacher", "teacher_hash", "validation"] { words[key] = nil }
            for key in ["data", "unlabelled"] { words[key] = words[key].map { "\($0.split(separator: " ").count)" } }
        }
        return System(settings: recipe.settings.without(.seed), words: words)
    }

    struct System: Hashable {
        let settings: RecipeSettings
        let words: [String: String]
    }
}
