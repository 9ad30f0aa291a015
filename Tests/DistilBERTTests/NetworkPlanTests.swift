import DistilBERT
import ModelFiles
import TestSupport
import Testing

@Suite struct NetworkPlanTests {
    private static func base(_ family: ModelConfiguration.Family, layers: Int, labels: [String] = []) -> NetworkPlan {
        let name = family == .bert ? "Bert" : "DistilBert"
        let configuration = ModelConfiguration(
            family: family,
            architecture: name + (labels.isEmpty ? "Model" : "ForSequenceClassification"),
            hiddenSize: 768,
            layers: layers,
            heads: 12,
            intermediateSize: 3072,
            activation: .gelu,
            vocabularySize: 30_522,
            maxPositions: 512,
            typeVocabularySize: family == .bert ? 2 : 0,
            layerNormEpsilon: 1e-12,
            padTokenID: 0,
            labels: labels,
            problemType: nil
        )
        return NetworkPlan(configuration) { _ in family == .bert }
    }

    /// BERT-base with its pooler, DistilBERT, and DistilBERT with a head of two labels.
    @Test func theNumbersOfParametersAreThePublishedOnes() {
        func count(_ plan: NetworkPlan) -> Int { plan.parameters.reduce(0) { $0 + $1.count } }
        #expect(count(Self.base(.bert, layers: 12)) == 109_482_240)
        #expect(count(Self.base(.distilBERT, layers: 6)) == 66_362_880)
        #expect(count(Self.base(.distilBERT, layers: 6, labels: ["A", "B"])) == 66_955_010)
    }

    /// Checkpoints that `transformers` loads without a missing or an unexpected tensor.
    @Test(
        arguments: [ModelConfiguration.Family.bert, .distilBERT],
        [nil, SeededCheckpoint.Head.sequence, .token, .answer, .choice, .maskedLM]
    )
    func everyTensorOfACheckpointIsPlannedOnce(
        _ family: ModelConfiguration.Family,
        _ head: SeededCheckpoint.Head?
    ) throws {
        for ownDecoder in head == .maskedLM ? [false, true] : [false] {
            let folder = try TemporaryFolder()
            var seeded = SeededCheckpoint(family: family)
            seeded.head = head
            seeded.labels = head == .sequence || head == .token ? 3 : 0
            seeded.ownDecoder = ownDecoder
            try seeded.write(to: folder.path)
            let checkpoint = try Checkpoint(directory: folder.path)
            let plan = NetworkPlan(try ModelConfiguration(directory: folder.path), checkpoint: checkpoint)
            var found: [String] = []
            for parameter in plan.parameters { found += try parameter.views(in: checkpoint).map(\.name) }
            // The decoder's weight is the word table, unless it has its own.
            let tied = head == .maskedLM && !ownDecoder ? ["embeddings.word_embeddings.weight"] : []
            #expect(found.sorted() == (checkpoint.names + tied).sorted(), "\(plan.head.head)")
        }
    }

    /// What a student is made of: any layer of a BERT fits any layer of a DistilBERT.
    @Test func networksOfBothFamiliesCanBeLaidBesideEachOther() {
        let (teacher, student) = (Self.base(.bert, layers: 12), Self.base(.distilBERT, layers: 6))
        #expect(teacher.layers.count == 12 && student.layers.count == 6)
        let names = zip(teacher.layers[7].parameters, student.layers[3].parameters).map { own, other in
            #expect(own.role == other.role && own.shape == other.shape && own.tensors.count == other.tensors.count)
            return zip(own.tensors, other.tensors).map { "\($0) \($1)" }
        }
        #expect(names.count == 12 && names[0].count == 3)
        let (layer, other) = ("encoder.layer.7.", "transformer.layer.3.")
        #expect(names[0][1] == "\(layer)attention.self.key.weight \(other)attention.k_lin.weight")
        #expect(names[11] == ["\(layer)output.LayerNorm.bias \(other)output_layer_norm.bias"])
    }

    /// Weights of linear layers and tables may decay; biases and LayerNorms do not.
    @Test func whatDecaysIsWhatHasTwoDimensions() {
        for plan in [Self.base(.bert, layers: 2), Self.base(.distilBERT, layers: 2, labels: ["A", "B", "C"])] {
            for parameter in plan.parameters {
                #expect((parameter.shape.count == 2) == (parameter.role == .linear || parameter.role == .table))
                let isOfNorm = parameter.tensors.contains { $0.contains("LayerNorm") || $0.contains("layer_norm") }
                #expect((parameter.role == .norm) == isOfNorm, "\(parameter.name)")
            }
        }
    }
}
