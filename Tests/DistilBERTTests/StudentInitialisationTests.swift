import DistilBERT
import ModelFiles
import TestSupport
import Testing

@Suite struct StudentInitialisationTests {
    private static func configuration(
        _ family: ModelConfiguration.Family,
        layers: Int = 4,
        hidden: Int = 32,
        intermediate: Int = 64,
        words: Int = 120,
        head: String = "Model",
        labels: [String] = []
    ) -> ModelConfiguration {
        ModelConfiguration(
            family: family,
            architecture: (family == .bert ? "Bert" : "DistilBert") + head,
            hiddenSize: hidden,
            layers: layers,
            heads: hidden / 8,
            intermediateSize: intermediate,
            activation: .gelu,
            vocabularySize: words,
            maxPositions: 40,
            typeVocabularySize: family == .bert ? 2 : 0,
            layerNormEpsilon: 1e-12,
            padTokenID: 0,
            labels: labels,
            problemType: nil
        )
    }

    /// The values of a network's parameters.
    private final class Memory {
        private var memory: [String: UnsafeMutableBufferPointer<Float>] = [:]

        init(_ plan: NetworkPlan, _ values: (Parameter) throws -> [Float]) rethrows {
            for parameter in plan.parameters {
                let values = try values(parameter)
                let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: values.count)
                _ = buffer.initialize(from: values)
                memory[parameter.name] = buffer
            }
        }

        /// Each its own number, so that it says where it is.
        convenience init(numbering plan: NetworkPlan) {
            var next = 0
            self.init(plan) { parameter in
                let count = parameter.shape.reduce(1, *)
                defer { next += count }
                return (next..<next + count).map { Float($0) }
            }
        }

        deinit { memory.values.forEach { $0.deallocate() } }

        func callAsFunction(_ parameter: Parameter) -> UnsafePointer<Float> {
            UnsafePointer(memory[parameter.name]!.baseAddress!)
        }

        func values(_ parameter: Parameter) -> [Float] { Array(memory[parameter.name]!) }
    }

    private func filled(
        _ student: StudentInitialisation,
        _ parameter: Parameter,
        seed: UInt64 = 1,
        _ teacher: (Parameter) -> UnsafePointer<Float>
    ) -> [Float] {
        let count = parameter.shape.reduce(1, *)
        return [Float](unsafeUninitializedCapacity: count) { buffer, initialized in
            buffer.initialize(repeating: .nan)
            student.fill(parameter, buffer.baseAddress!, seed: seed, teacher: teacher)
            initialized = count
        }
    }

    @Test func layersAreThePublishedOnes() {
        #expect(StudentInitialisation.spread(6, of: 12) == [0, 2, 4, 7, 9, 11])
        #expect(StudentInitialisation.spread(3, of: 6) == [0, 2, 4])
        #expect(StudentInitialisation.spread(4, of: 12) == [0, 3, 6, 9])
        #expect(StudentInitialisation.spread(12, of: 12) == Array(0..<12))
        #expect(StudentInitialisation.spread(1, of: 6) == [0])
    }

    /// A student of all layers computes what its teacher does: its tensors are those of the folded checkpoint.
    @Test func aDistilBERTOfAllLayersIsTheFoldedTeacher() throws {
        let folder = try TemporaryFolder()
        var seeded = SeededCheckpoint(
            family: .bert,
            hidden: 32,
            layers: 2,
            heads: 4,
            intermediate: 64,
            vocabulary: 120
        )
        seeded.positions = 40
        try seeded.write(to: folder("bert"))
        try FoldedCheckpoint.write(from: folder("bert"), to: folder("folded"))
        let checkpoint = try Checkpoint(directory: folder("bert"))
        let teacher = NetworkPlan(try ModelConfiguration(directory: folder("bert")), checkpoint: checkpoint)
        let folded = try Checkpoint(directory: folder("folded"))
        let student = NetworkPlan(Self.configuration(.distilBERT, layers: 2))
        let initial = try StudentInitialisation(from: teacher, to: student)
        #expect(initial.layers == [0, 1])
        let memory = try Memory(teacher) { try $0.views(in: checkpoint).flatMap { $0.floats() } }
        for parameter in student.parameters {
            let own = filled(initial, parameter) { memory($0) }
            let expected = try parameter.views(in: folded).flatMap { $0.floats() }
            #expect(own.map(\.bitPattern) == expected.map(\.bitPattern), "\(parameter.name)")
        }
    }

    @Test func aNarrowerStudentHasTheFirstHeadsAndValues() throws {
        let teacher = NetworkPlan(Self.configuration(.bert)) { _ in true }
        let student = NetworkPlan(
            Self.configuration(.bert, layers: 2, hidden: 16, intermediate: 24, words: 3)
        ) { _ in true }
        let initial = try StudentInitialisation(from: teacher, to: student, layers: [3, 1], words: [7, 0, 119])
        let numbered = Memory(numbering: teacher)
        func part(_ parameter: Parameter, _ rows: [Int], _ columns: Int) -> [Float] {
            let all = numbered.values(parameter)
            let stride = parameter.shape.count == 1 ? 1 : parameter.shape[1]
            return rows.flatMap { all[$0 * stride..<$0 * stride + columns] }
        }
        func expect(_ own: Parameter, _ source: Parameter, _ rows: [Int], _ columns: Int) {
            #expect(filled(initial, own) { numbered($0) } == part(source, rows, columns), "\(own.name)")
        }
        expect(student.embeddings.word, teacher.embeddings.word, [7, 0, 119], 16)
        expect(student.embeddings.position, teacher.embeddings.position, Array(0..<40), 16)
        expect(student.embeddings.norm.scale, teacher.embeddings.norm.scale, Array(0..<16), 1)
        for (own, source) in zip(student.layers, [teacher.layers[3], teacher.layers[1]]) {
            let thirds = [0, 32, 64].flatMap { Array($0..<$0 + 16) }
            expect(own.qkv.weight, source.qkv.weight, thirds, 16)
            expect(own.qkv.bias!, source.qkv.bias!, thirds, 1)
            expect(own.attentionOutput.weight, source.attentionOutput.weight, Array(0..<16), 16)
            expect(own.intermediate.weight, source.intermediate.weight, Array(0..<24), 16)
            expect(own.output.weight, source.output.weight, Array(0..<16), 24)
            expect(own.outputNorm.shift, source.outputNorm.shift, Array(0..<16), 1)
        }
        expect(student.head.first!.weight, teacher.head.first!.weight, Array(0..<16), 16)
    }

    @Test func everyParameterHasValues() throws {
        let heads = [
            ("Model", []), ("ForSequenceClassification", ["a", "b"]), ("ForTokenClassification", ["a", "b", "c"]),
            ("ForQuestionAnswering", []), ("ForMaskedLM", []), ("ForMultipleChoice", []),
        ]
        for (family, other) in [
            (ModelConfiguration.Family.bert, ModelConfiguration.Family.distilBERT), (.distilBERT, .bert),
        ] {
            for (head, labels) in heads {
                for (source, sourceLabels) in heads {
                    for target in [family, other] {
                        let teacher = NetworkPlan(Self.configuration(family, head: source, labels: sourceLabels)) { _ in
                            true
                        }
                        let student = NetworkPlan(Self.configuration(target, layers: 2, head: head, labels: labels)) {
                            _ in
                            true
                        }
                        let initial = try StudentInitialisation(from: teacher, to: student)
                        let numbered = Memory(numbering: teacher)
                        for parameter in student.parameters {
                            let values = filled(initial, parameter) { numbered($0) }
                            let areFinite = values.allSatisfy { $0.isFinite }
                            #expect(areFinite)
                        }
                        guard let last = student.head.last else { continue }
                        var isCopied = false
                        if case .copy = initial[last.weight] { isCopied = true }
                        let isTied = head == "ForMaskedLM"
                        let pools = head == "ForSequenceClassification" || head == "ForMultipleChoice"
                        #expect(
                            isCopied == (isTied || (head == source && (target == family || !pools))),
                            "\(head) \(source)"
                        )
                    }
                }
            }
        }
    }

    @Test func newWeightsAreNormalAndTheirSeeds() throws {
        let teacher = NetworkPlan(Self.configuration(.bert))
        var configuration = Self.configuration(
            .distilBERT,
            layers: 2,
            head: "ForSequenceClassification",
            labels: ["a", "b"]
        )
        configuration.initializerRange = 0.5
        let student = NetworkPlan(configuration)
        let initial = try StudentInitialisation(from: teacher, to: student)
        let numbered = Memory(numbering: teacher)
        func weights(_ layer: Linear, _ seed: UInt64) -> [Float] {
            filled(initial, layer.weight, seed: seed) { numbered($0) }
        }
        let first = try #require(student.head.first)
        let values = weights(first, 7)
        #expect(values == weights(first, 7) && values != weights(first, 8))
        #expect(Array(values.prefix(64)) != weights(try #require(student.head.last), 7))
        // 1,024 values: the mean's deviation is 0.016, that of the square's mean 0.011.
        let (mean, square) = (values.reduce(0, +) / 1024, values.reduce(0) { $0 + $1 * $1 } / 1024)
        #expect(abs(mean) < 0.08 && abs(square - 0.25) < 0.055)
        // Within one deviation 68.3 %, within two 95.4 %.
        let within = [0.5, 1].map { limit in values.filter { abs($0) < limit }.count }
        #expect(abs(within[0] - 699) < 75 && abs(within[1] - 977) < 34)
        #expect(Set(filled(initial, try #require(first.bias)) { numbered($0) }) == [0])
    }

    @Test func whatCannotBeMadeIsNamed() throws {
        let teacher = NetworkPlan(Self.configuration(.bert))
        func reason(_ configuration: ModelConfiguration, layers: [Int]? = nil, words: [Int]? = nil) -> String {
            let error = #expect(throws: StudentError.self) {
                try StudentInitialisation(from: teacher, to: NetworkPlan(configuration), layers: layers, words: words)
            }
            return error?.description ?? ""
        }
        #expect(reason(Self.configuration(.bert, hidden: 64)).contains("width, 64, is more than its teacher's 32"))
        #expect(reason(Self.configuration(.bert, intermediate: 65)).contains("feed-forward layers, 65"))
        var heads = Self.configuration(.bert)
        heads.heads = 2
        #expect(reason(heads).contains("a multiple of 8, with a head for each"))
        #expect(
            reason(Self.configuration(.bert, layers: 5)).contains("5 layers is deeper than its teacher, which has 4")
        )
        #expect(reason(Self.configuration(.bert, layers: 2), layers: [0, 4]).contains("each from 0 to 3"))
        #expect(reason(Self.configuration(.bert, words: 121)).contains("121 words"))
        #expect(reason(Self.configuration(.bert, words: 2), words: [0, 120]).contains("of 120"))
    }
}
