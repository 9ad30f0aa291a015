import Distillation
import Testing
import Training

@Suite struct RecipeTests {
    private func problem(_ text: String) -> String {
        do throws(DistillationError) {
            _ = try RecipeFile(text, file: "r.yaml")
            return ""
        } catch {
            #expect(error.kind == .usage)
            return error.message
        }
    }

    @Test(arguments: [
        ("epochs: 3\nlearnig_rate: 1e-4", "r.yaml:2: there is no setting 'learnig_rate'; is `learning_rate` meant?"),
        ("batchsize: 3", "r.yaml:1: there is no setting 'batchsize'; is `batch_size` meant?"),
        ("\n\nepochs: 0", "r.yaml:3: `epochs`: expected a whole number from 1 to 10000, found '0'"),
        ("epochs: 1.5", "r.yaml:1: `epochs`: expected a whole number from 1 to 10000, found '1.5'"),
        ("dropout: 1", "r.yaml:1: `dropout`: expected a number from 0.0 to 0.99, found '1'"),
        ("learning_rate: nan", "r.yaml:1: `learning_rate`: expected a number from 0.0 to 1.0, found 'nan'"),
        ("precision: fp16", "r.yaml:1: `precision`: expected fp32 or bf16, found 'fp16'"),
        ("teacher_layers: [0, x]", "r.yaml:1: `teacher_layers`: expected whole numbers with commas between them"),
        (
            "teacher_layers: 2,4]",
            "r.yaml:1: `teacher_layers`: expected whole numbers with commas between them, found '2,4]'"
        ),
        ("epochs: {a: 1}", "r.yaml:1: `epochs` must be one value"),
        ("- epochs", "r.yaml: expected one setting per line"),
        ("epochs: [", "r.yaml: it is no YAML: "),
    ]) func whatIsWrongIsNamedWithItsLine(_ text: String, _ message: String) {
        #expect(problem(text).hasPrefix(message), "\(problem(text))")
    }

    @Test func whatIsWrittenIsReadBack() throws {
        for preset in Recipe.Preset.allCases {
            var given = RecipeSettings()
            try given.set(.teacherLayers, "0, 2,4", source: "test")
            try given.set(.learningRate, "3e-4", source: "test")
            let recipe = Recipe(given, preset: preset)
            var file = RecipeFile()
            file.settings = recipe.settings
            file.command = [
                ("command", "train"), ("teacher", "a \"quoted\\\" name"),
                ("data", "odd\n\u{8}\u{85}\u{2028}\u{FEFF} 文.csv"), ("preset", preset.rawValue),
            ]
            let read = try RecipeFile(file.text, file: "recipe.yaml")
            #expect(read.settings == recipe.settings)
            #expect(read.command.map(\.key) == file.command.map(\.key))
            #expect(read.command.map(\.value) == file.command.map(\.value))
            #expect(
                Recipe(read.settings).objective(layers: 3, teacherLayers: 6)
                    == recipe.objective(layers: 3, teacherLayers: 6)
            )
            #expect(Recipe(read.settings).loop == recipe.loop && read.settings.number(.learningRate) == 3e-4)
            #expect(read.settings.integers(.teacherLayers) == [0, 2, 4])
            #expect(
                file.text.split(separator: "\n").dropFirst(5).allSatisfy { $0.contains("  # ") },
                "each is explained"
            )
        }
    }

    @Test func whatTheUserSaysComesBeforeThePresetAndThatBeforeTheUsual() throws {
        var given = RecipeSettings()
        try given.set(.temperature, "7", source: "--temperature")
        let recipe = Recipe(given, preset: .pkd)
        #expect(
            recipe.number(.temperature) == 7 && recipe.number(.patientWeight) == 100 && recipe.integer(.batchSize) == 32
        )
        #expect(Recipe(RecipeSettings()).objective(layers: 3, teacherLayers: 6).needsTeacher == false)
    }

    /// Tokens are compared where student and teacher have the same.
    @Test func embeddingsWithASmallerVocabularyCompareNoTokens() throws {
        var given = RecipeSettings()
        #expect(Recipe(given, preset: .embedding).number(.cosineWeight) == 5)
        try given.set(.vocabulary, "3000", source: "--vocabulary")
        let recipe = Recipe(given, preset: .embedding)
        #expect(recipe.number(.cosineWeight) == 0 && recipe.number(.embeddingWeight) == 100)
        try given.set(.cosineWeight, "1", source: "r.yaml")
        #expect(Recipe(given, preset: .embedding).number(.cosineWeight) == 1)
    }

    @Test func layersFollowEvenlySpreadOnes() {
        let objective = Recipe(RecipeSettings(), preset: .pkd).objective(layers: 4, teacherLayers: 12)
        #expect(objective.patientLayers.map(\.student) == [0, 1, 2])
        #expect(objective.patientLayers.map(\.teacher) == [2, 5, 8])
        let relations = Recipe(RecipeSettings(), preset: .minilmv2).objective(layers: 4, teacherLayers: 12)
        #expect(relations.relationLayers == Objective.LayerPair(student: 3, teacher: 11))
        #expect(Recipe(RecipeSettings(), preset: .pkd).objective(layers: 1, teacherLayers: 12).patientLayers.isEmpty)
    }
}
