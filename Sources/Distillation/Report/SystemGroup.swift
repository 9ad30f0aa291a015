/// Model folders that one recipe made, with its seeds or on the report's draws of the data.
struct SystemGroup: Equatable {
    struct Member: Equatable {
        let directory: String
        let seed: UInt64?
        /// See `SystemResult.Run`.
        var draw: Int?
    }

    var name: String
    /// By their draws and seeds.
    var members: [Member]

    /// Puts models of one recipe together; one without a recipe is by itself.
    ///
    /// - Parameter taken: names of other systems; a group of the same name is numbered.
    static func groups(
        _ directories: [String],
        draws: Draws,
        taken: [String]
    ) throws(DistillationError) -> [SystemGroup] {
        var places: [MadeModel.System: Int] = [:]
        var groups: [SystemGroup] = []
        for directory in directories {
            let model = try MadeModel(directory)
            let member = Member(directory: directory, seed: model.seed, draw: try draws.draw(of: model))
            let system = model.system(ofSeveralDraws: draws.areSeveral)
            if let system, let place = places[system] {
                groups[place].members.append(member)
            } else {
                if let system { places[system] = groups.count }
                groups.append(SystemGroup(name: "", members: [member]))
            }
        }
        var names = Set(taken)
        for place in groups.indices {
            try groups[place].sort()
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

    /// - Throws: where two members cannot be told apart.
    private mutating func sort() throws(DistillationError) {
        members.sort { ($0.draw ?? 0, $0.seed ?? 0) < ($1.draw ?? 0, $1.seed ?? 0) }
        for (member, next) in zip(members, members.dropFirst()) {
            guard member.draw == next.draw, member.draw != nil || member.seed == next.seed else { continue }
            throw .usage(
                "\(member.directory) and \(next.directory) were made by one recipe "
                    + (member.draw == nil
                        ? "with one seed; name each run once" : "on one draw of the data; name one model of each draw")
            )
        }
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
}

/// The last part of a path that says something: of `models/minilm/1` the version's model, too.
func folderName(_ path: String) -> String {
    let parts = path.split(separator: "/").filter { $0 != "." && $0 != ".." }
    guard let last = parts.last else { return path }
    return Int(last) != nil && parts.count > 1 ? "\(parts[parts.count - 2])/\(last)" : String(last)
}
