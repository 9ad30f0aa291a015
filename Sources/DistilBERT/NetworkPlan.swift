package import ModelFiles
import Tensors

/// Every parameter of a network: its role, its shape, what a checkpoint of its family calls it, and where it lies in a pack.
/// The one declaration of it: the packer, the loader, the encoder and the heads read this plan.
///
/// It is a tree, so that networks can be laid beside each other: `layers[i]` of a BERT and `layers[j]` of a DistilBERT have
/// the same parameters in the same order, whatever each is called.
package struct NetworkPlan: Sendable {
    package let configuration: ModelConfiguration
    package let embeddings: Embeddings
    package let layers: [Layer]
    package let head: HeadPlan
    /// The modules of sentence-transformers after the pooling, in order.
    package let modules: [Module]

    /// - Parameter holds: whether the network has a layer that may be missing: a BERT without a head has a pooler or none.
    package init(
        _ configuration: ModelConfiguration,
        _ modules: SentenceTransformersModules? = nil,
        holds: (Linear) -> Bool = { _ in false }
    ) {
        self.configuration = configuration
        embeddings = Embeddings(configuration)
        layers = (0..<configuration.layers).map { Layer($0, configuration) }
        head = HeadPlan(configuration, words: embeddings.word, holds: holds)
        self.modules = (modules?.steps ?? []).enumerated().map { Module($1, at: $0) }
    }

    /// Of a checkpoint.
    package init(
        _ configuration: ModelConfiguration,
        _ modules: SentenceTransformersModules? = nil,
        checkpoint: Checkpoint
    ) {
        self.init(configuration, modules) { checkpoint.tensor($0.weight.tensors[0]) != nil }
    }

    /// Of the model that a pack holds.
    package init(_ configuration: ModelConfiguration, _ modules: SentenceTransformersModules? = nil, pack: PackFile) {
        self.init(configuration, modules) { !pack.names(prefix: $0.name).isEmpty }
    }

    /// All but the modules', in the order in which `transformers` has its layers.
    package var parameters: [Parameter] {
        embeddings.parameters + layers.flatMap(\.parameters) + head.parameters
    }

    /// The linear layers in this order.
    package var linears: [Linear] { layers.flatMap(\.linears) + head.linears }
}

// MARK: - The encoder

extension NetworkPlan {
    package struct Embeddings: Sendable {
        package let word: Parameter
        package let position: Parameter
        /// DistilBERT has no token types.
        package let type: Parameter?
        package let norm: Norm

        init(_ c: ModelConfiguration) {
            func table(_ name: String, _ tensor: String, rows: Int, isWeight: Bool = false) -> Parameter {
                let tensor = "embeddings.\(tensor)_embeddings.weight"
                return Parameter("embeddings.\(name)", .table, [rows, c.hiddenSize], [tensor], isWeight: isWeight)
            }
            word = table("word", "word", rows: c.vocabularySize, isWeight: true)
            position = table("position", "position", rows: c.maxPositions)
            type = c.typeVocabularySize > 0 ? table("type", "token_type", rows: c.typeVocabularySize) : nil
            norm = Norm("embeddings.norm", "embeddings.LayerNorm", c)
        }

        package var parameters: [Parameter] { [word, position] + (type.map { [$0] } ?? []) + norm.parameters }
    }

    /// A block of attention and feed-forward layers, each with a LayerNorm behind it.
    package struct Layer: Sendable {
        /// Queries, keys and values side by side.
        package let qkv: Linear
        package let attentionOutput: Linear
        package let attentionNorm: Norm
        package let intermediate: Linear
        package let output: Linear
        package let outputNorm: Norm

        init(_ index: Int, _ c: ModelConfiguration) {
            let (section, hidden) = ("layer.\(index).", c.hiddenSize)
            func stem(_ bert: String, _ distilBERT: String) -> String {
                c.family == .bert ? "encoder.layer.\(index).\(bert)" : "transformer.layer.\(index).\(distilBERT)"
            }
            qkv = Linear(
                section + "qkv",
                stem("attention.self.query", "attention.q_lin"),
                stem("attention.self.key", "attention.k_lin"),
                stem("attention.self.value", "attention.v_lin"),
                outputs: 3 * hidden,
                inputs: hidden
            )
            attentionOutput = Linear(
                section + "attention_output",
                stem("attention.output.dense", "attention.out_lin"),
                outputs: hidden,
                inputs: hidden
            )
            attentionNorm = Norm(section + "attention_norm", stem("attention.output.LayerNorm", "sa_layer_norm"), c)
            intermediate = Linear(
                section + "intermediate",
                stem("intermediate.dense", "ffn.lin1"),
                outputs: c.intermediateSize,
                inputs: hidden,
                activation: Activation(c.activation)
            )
            output = Linear(
                section + "output",
                stem("output.dense", "ffn.lin2"),
                outputs: hidden,
                inputs: c.intermediateSize
            )
            outputNorm = Norm(section + "output_norm", stem("output.LayerNorm", "output_layer_norm"), c)
        }

        package var linears: [Linear] { [qkv, attentionOutput, intermediate, output] }
        package var parameters: [Parameter] {
            qkv.parameters + attentionOutput.parameters + attentionNorm.parameters + intermediate.parameters
                + output.parameters + outputNorm.parameters
        }
    }
}

extension Activation {
    init(_ activation: ModelConfiguration.Activation) {
        switch activation {
        case .gelu: self = .gelu
        case .geluNew: self = .geluTanh
        case .relu: self = .relu
        case .silu: self = .silu
        }
    }
}

// MARK: - Modules of sentence-transformers

extension NetworkPlan {
    /// A module whose weights are in a checkpoint of its own.
    package enum Module: Sendable {
        /// `projection`: of the input, where that is added to the result by a product of its own.
        case dense(SentenceTransformersModules.Dense, Linear, projection: Linear?)
        /// All scales, then all shifts: a note of the pack.
        case layerNorm(SentenceTransformersModules.LayerNorm, Parameter)
        case normalize

        init(_ step: SentenceTransformersModules.Step, at index: Int) {
            let name = "sentence.\(index)"
            switch step {
            case .dense(let dense):
                let (outputs, inputs) = (dense.outputs, dense.inputs)
                self = .dense(
                    dense,
                    Linear(name, "linear", outputs: outputs, inputs: inputs, hasBias: dense.hasBias),
                    projection: dense.residual == .projected
                        ? Linear(name + ".residual", "residual", outputs: outputs, inputs: inputs, hasBias: false) : nil
                )
            case .layerNorm(let norm):
                self = .layerNorm(norm, Parameter(name, .norm, [2 * norm.dimension], ["norm.weight", "norm.bias"]))
            case .normalize: self = .normalize
            }
        }

        package var linears: [Linear] {
            guard case .dense(_, let linear, let projection) = self else { return [] }
            return [linear] + (projection.map { [$0] } ?? [])
        }
    }
}
