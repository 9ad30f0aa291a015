/// Model folders that one recipe made, with its seeds.
struct SystemGroup: Equatable {
    struct Member: Equatable {
        let directory: String
        let seed: UInt64?
    }

    var name: String
    /// By their seeds.
    var members: [Member]

    /// Puts folders together whose recipes differ in the seed alone; a folder without a recipe is by itself.
    ///
    /// - Parameters:
    ///   - folders: each with what its recipe's file says.
    ///   - taken: names of other systems; a group of the same name is numbered.
    static func groups(
        _ folders: [(directory: String, recipe: String?)],
        taken: [String]
    ) throws(DistillationError) -> [SystemGroup] {
        var places: [String: Int] = [:]
        var groups: [SystemGroup] = []
        for (directory, recipe) in folders {
            guard let recipe else {
                groups.append(SystemGroup(name: "", members: [Member(directory: directory, seed: nil)]))
                continue
            }
            let settings = try RecipeFile(recipe, file: "\(directory)/\(RecipeFile.name)").settings
            let member = Member(directory: directory, seed: settings.integer(.seed).map { UInt64($0) })
            let key = recipe.split(separator: "\n").filter { !$0.hasPrefix("seed:") && !$0.hasPrefix("#") }
                .joined(separator: "\n")
            if let place = places[key] {
                groups[place].members.append(member)
            } else {
                places[key] = groups.count
                groups.append(SystemGroup(name: "", members: [member]))
            }
        }
        var names = Set(taken)
        for place in groups.indices {
            let seeds = groups[place].members.compactMap(\.seed)
            guard Set(seeds).count == seeds.count else {
                throw .usage(
                    "\(groups[place].members.map(\.directory).joined(separator: " and ")) were made by one recipe with one seed; "
                        + "name each run once"
                )
            }
            groups[place].members.sort { ($0.seed ?? 0) < ($1.seed ?? 0) }
            let name = name(of: groups[place].members.map(\.directory))
            var (unique, number) = (name, 2)
            while !names.insert(unique).inserted {
                unique = "\(name) (\(number))"
                number += 1
            }
            groups[place].name = unique
        }
        return groups
    }

    /// What folders' names begin with, without a seed at its end: `pkd` of `pkd-seed1` and `pkd-seed2`.
    private static func name(of directories: [String]) -> String {
        let names = directories.map(folderName)
        guard names.count > 1 else { return names[0] }
        var common = names[0][...]
        for name in names {
            let shared = zip(common, name).prefix { $0 == $1 }.count
            common = common.prefix(shared)
        }
        func trim() { while let last = common.last, !last.isLetter { common.removeLast() } }
        trim()
        for word in ["seed", "run"] where common.lowercased().hasSuffix(word) {
            common.removeLast(word.count)
            trim()
        }
        return common.isEmpty ? names[0] : String(common)
    }

    /// The last part of a path that says something: of `models/minilm/1` the version's model, too.
    static func folderName(_ path: String) -> String {
        let parts = path.split(separator: "/").filter { $0 != "." && $0 != ".." }
        guard let last = parts.last else { return path }
        return Int(last) != nil && parts.count > 1 ? "\(parts[parts.count - 2])/\(last)" : String(last)
    }
}
