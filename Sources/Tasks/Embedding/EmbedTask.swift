import DistilBERT
import ModelFiles
import Tensors
import Tokenization

package struct EmbedOptions: Sendable, Equatable {
    package enum Pooling: Sendable, Equatable {
        case mean, cls, max
    }

    /// What is put before each text.
    package enum Prompt: Sendable, Equatable {
        /// The folder's default one, if it has one.
        case standard
        /// One of the folder's prompts.
        case named(String)
        /// These words; none, if empty.
        case text(String)
    }

    /// nil: the folder's sentence-transformers modules, or the mean where it has none.
    package var pooling: Pooling?
    /// Whether to scale to length 1 in the end; nil: as the folder's modules say, before dimensions are left out.
    package var normalize: Bool?
    /// Keep the first dimensions only; nil: as many as the folder says, or all. As in sentence-transformers, what is left of a vector of length 1 is
    /// shorter, unless `normalize` asks for length 1.
    package var dimensions: Int?
    package var overlong: Overlong
    package var prompt: Prompt

    package init(
        pooling: Pooling? = nil,
        normalize: Bool? = nil,
        dimensions: Int? = nil,
        overlong: Overlong = .truncate,
        prompt: Prompt = .standard
    ) {
        self.pooling = pooling
        self.normalize = normalize
        self.dimensions = dimensions
        self.overlong = overlong
        self.prompt = prompt
    }
}

/// The answer to one text of an embed request.
package struct Embedding: Sendable, Equatable {
    package let values: [Float]
    package let tokens: Int
    package let truncated: Bool
}

/// `SentenceTransformer.encode`.
struct EmbedTask: TaskBody {
    static let name = TaskName.embed
    let texts: [TaskText]
    let options: EmbedOptions

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("inputs", "there is no text") }
        if let dimensions = options.dimensions {
            let full = model.embedder.dimensions(options)
            guard dimensions <= full else {
                throw .invalid("truncate_dim", "\(dimensions) is more than the model's \(full) dimensions")
            }
        }
        let prompt = try prompt(model)
        let skipped = try model.embedder.poolsPrompt || prompt.isEmpty ? 0 : length(of: prompt, model)
        var pipeline = EmbedPipeline(options: options, embedder: model.embedder, skipped: skipped)
        var sequences: [TokenSequence] = []
        for (index, text) in texts.enumerated() {
            try model.check(text, "inputs[\(index)]")
            var (sequence, truncated) = try model.encode(
                TaskText(prompt + text.text, pair: text.pair),
                "inputs[\(index)].text",
                options.overlong,
                limit: model.embeddingLimit
            )
            sequence.rows = model.embedder.rows(options, of: sequence.ids.count, skipping: skipped)
            sequences.append(sequence)
            pipeline.texts.append((sequence.ids.count, truncated))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }

    private func prompt(_ model: Model) throws(TaskError) -> String {
        switch options.prompt {
        case .standard: return model.embedder.defaultPrompt ?? ""
        case .text(let text):
            try model.check(text, "prompt", mayBeEmpty: true)
            return text
        case .named(let name):
            // by their bytes, as Python compares
            let known = model.embedder.prompts
            if let prompt = known.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return prompt.text }
            let names = known.isEmpty ? "none" : known.map(\.name).joined(separator: ", ")
            throw .invalid("prompt_name", "the model has no prompt \"\(name)\"; it has \(names)")
        }
    }

    /// The tokens that a prompt takes, `[CLS]` included.
    private func length(of prompt: String, _ model: Model) throws(TaskError) -> Int {
        let ids = try model.encode(TaskText(prompt), "prompt", .truncate, limit: model.embeddingLimit).sequence.ids
        return ids.last.map(model.tokenizer.isSpecial) == true ? ids.count - 1 : ids.count
    }
}

struct EmbedPipeline: Pipeline {
    let options: EmbedOptions
    let embedder: SentenceEmbedder
    /// Tokens of the prompt, which pooling leaves out.
    let skipped: Int
    var texts: [(tokens: Int, truncated: Bool)] = []
    private var results: [Embedding] = []

    init(options: EmbedOptions, embedder: SentenceEmbedder, skipped: Int) {
        self.options = options
        self.embedder = embedder
        self.skipped = skipped
    }

    var needs: PipelineNeeds { .states }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) throws(TaskError) {
        let text = texts[sequence]
        do {
            let vector = try embedder.embed(values, of: text.tokens, skipping: skipped, options)
            results.append(Embedding(values: vector, tokens: text.tokens, truncated: text.truncated))
        } catch {
            throw TaskError(.internal, "\(error)")
        }
    }

    func finish() -> TaskResult { .embed(results) }
}
