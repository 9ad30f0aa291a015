import Glibc

/// What the models of a report learnt from: one draw of the data, or several with a teacher of each.
///
/// Which examples happen to have a label is luck where labels are few. For a verdict on a recipe, and not on these examples, the
/// recipe is run on several draws, with a teacher, students and baselines of each; what is compared then is models of one draw.
package struct Draws {
    struct Draw {
        let teacher: MadeModel
        /// `ServedModel.contents(of:)` the teacher.
        let contents: String
        /// What the teacher's recipe says of its data; empty where it was not asked.
        let files: String
    }

    let all: [Draw]

    /// - Parameter teachers: the folder of each draw's teacher, all of one recipe.
    package init(teachers: [String]) throws(DistillationError) {
        guard !teachers.isEmpty else { throw .usage("--teacher is missing: which model is to be replaced?") }
        var all: [Draw] = []
        for directory in teachers {
            let teacher = try MadeModel(directory)
            guard teachers.count > 1 else {
                all.append(Draw(teacher: teacher, contents: "", files: ""))
                continue
            }
            guard let files = teacher.word("data").map(Self.resolved) else {
                throw .usage(
                    "--teacher \(directory): its \(RecipeFile.name) does not say what data it was made of; of several teachers, each "
                        + "is that of one draw of the data"
                )
            }
            if let other = all.first(where: { $0.files == files }) {
                throw .usage(
                    "--teacher \(other.teacher.directory) and \(directory) were made of the same data; name one teacher, or one "
                        + "of each draw of the data"
                )
            }
            let system = teacher.system(ofSeveralDraws: true)
            if let first = all.first?.teacher, first.system(ofSeveralDraws: true) != system {
                throw .usage(
                    "--teacher \(first.directory) and \(directory) were made by different recipes; those of several draws differ in "
                        + "the data and the seed alone"
                )
            }
            all.append(Draw(teacher: teacher, contents: try ServedModel.contents(of: directory), files: files))
        }
        self.all = all
    }

    /// Whether there is more than one.
    package var areSeveral: Bool { all.count > 1 }

    /// What people call them: the names of their data files; empty where there is one draw.
    var names: [String] {
        guard areSeveral else { return [] }
        return all.map { draw in
            draw.files.split(separator: " ").map { folderName(String($0)) }.joined(separator: ", ")
        }
    }

    /// Which draw a model was made of, from 1; nil where there is one. It is the one of the teacher that the model's recipe
    /// names, by its hash or else by its path, or the one of the same data.
    func draw(of model: MadeModel) throws(DistillationError) -> Int? {
        guard areSeveral else { return nil }
        let own = Self.resolved(model.directory)
        let (hash, teacher) = (model.word("teacher_hash"), model.word("teacher").map(Self.resolved))
        let files = model.word("data").map(Self.resolved)
        let place =
            all.firstIndex { Self.resolved($0.teacher.directory) == own }
            ?? all.firstIndex { $0.contents == hash }
            ?? all.firstIndex { Self.resolved($0.teacher.directory) == teacher }
            ?? all.firstIndex { $0.files == files }
        guard let place else {
            throw .usage(
                "\(model.directory): its \(RecipeFile.name) names none of the teachers, and no data of theirs; with several "
                    + "--teacher, each model is compared with the teacher of its own draw"
            )
        }
        return place + 1
    }

    /// Training files by their draws: those that each teacher's recipe names. All of them where there is one draw.
    package func sorted(_ paths: [String]) throws(DistillationError) -> [[String]] {
        guard areSeveral else { return [paths] }
        var result = all.map { _ in [String]() }
        for path in paths {
            let file = " \(Self.resolved(path)) "
            guard let place = all.firstIndex(where: { " \($0.files) ".contains(file) }) else {
                throw .usage(
                    "--train \(path): no teacher's \(RecipeFile.name) names it as its data; with several --teacher, each file is that "
                        + "of one draw"
                )
            }
            result[place].append(path)
        }
        if let place = result.firstIndex(where: \.isEmpty) {
            throw .usage(
                "--train is missing for the draw of \(all[place].teacher.directory), which was made of \(all[place].files)"
            )
        }
        return result
    }

    /// Paths, with spaces between them, as they are the same from every working directory.
    private static func resolved(_ paths: String) -> String {
        paths.split(separator: " ").map { path in
            guard let real = realpath(String(path), nil) else { return String(path) }
            defer { free(real) }
            return String(cString: real)
        }.joined(separator: " ")
    }
}
