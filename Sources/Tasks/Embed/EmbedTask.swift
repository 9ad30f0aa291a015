import DistilBERT
import Messages
import ModelFiles
import Tensors
import Tokenization

/// `SentenceTransformer.encode`.
///
/// As there, what is left of a vector of length 1 is shorter, unless length 1 is asked for.
struct EmbedTask: InferenceTask {
    static let method = InferenceMethod.embed
    private let request: EmbedRequest

    init(_ request: EmbedRequest) { self.request = request }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.inputs.isEmpty else { throw .invalid("inputs", "there is no text") }
        try model.meter.expect(request.inputs.count, "inputs")
        if let dimensions = request.truncateDim.given {
            let full = model.embedder.dimensions(request)
            guard dimensions <= full else {
                throw .invalid("truncate_dim", "\(dimensions) is more than the model's \(full) dimensions")
            }
        }
        let prompt = try prompt(model)
        let skipped = try model.embedder.poolsPrompt || prompt.isEmpty ? 0 : length(of: prompt, model)
        var pipeline = EmbedPipeline(request: request, embedder: model.embedder, skipped: skipped)
        var sequences: [TokenSequence] = []
        for (index, text) in request.inputs.enumerated() {
            try model.check(text, "inputs[\(index)]")
            var (sequence, truncated) = try model.encode(
                TextInput(prompt + text.text, pair: text.pair),
                "inputs[\(index)].text",
                request.truncation.or(.truncate),
                limit: model.embeddingLimit
            )
            sequence.rows = model.embedder.rows(request, of: sequence.ids.count, skipping: skipped)
            sequences.append(sequence)
            pipeline.texts.append((sequence.ids.count, truncated))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }

    private func prompt(_ model: Model) throws(TaskError) -> String {
        let name = request.promptName
        guard !request.hasPrompt else {
            guard name.isEmpty else { throw .invalid("prompt_name", "leave it empty where `prompt` is given") }
            try model.check(request.prompt, "prompt", mayBeEmpty: true)
            return request.prompt
        }
        guard !name.isEmpty else { return model.embedder.defaultPrompt ?? "" }
        // by their bytes, as Python compares
        let known = model.embedder.prompts
        if let prompt = known.first(where: { $0.name.utf8.elementsEqual(name.utf8) }) { return prompt.text }
        let names = known.isEmpty ? "none" : known.map(\.name).joined(separator: ", ")
        throw .invalid("prompt_name", "the model has no prompt \"\(name)\"; it has \(names)")
    }

    /// The tokens that a prompt takes, `[CLS]` included.
    private func length(of prompt: String, _ model: Model) throws(TaskError) -> Int {
        let ids = try model.encode(TextInput(prompt), "prompt", .truncate, limit: model.embeddingLimit).sequence.ids
        return ids.last.map(model.tokenizer.isSpecial) == true ? ids.count - 1 : ids.count
    }
}

struct EmbedPipeline: Pipeline {
    let request: EmbedRequest
    let embedder: SentenceEmbedder
    /// Tokens of the prompt, which pooling leaves out.
    let skipped: Int
    var texts: [(tokens: Int, truncated: Bool)] = []
    private var results: [Embedding] = []

    init(request: EmbedRequest, embedder: SentenceEmbedder, skipped: Int) {
        self.request = request
        self.embedder = embedder
        self.skipped = skipped
    }

    var needs: PipelineNeeds { .states }

    mutating func take(_ values: Matrix, fromRow row: Int, of sequence: Int) throws(TaskError) {
        let text = texts[sequence]
        do {
            let vector = try embedder.embed(values, of: text.tokens, skipping: skipped, request)
            results.append(Embedding(values: vector, tokens: UInt32(clamping: text.tokens), truncated: text.truncated))
        } catch {
            throw TaskError(.internal, "\(error)")
        }
    }

    func finish() -> InferenceResponse { .embed(EmbedResponse(results: results)) }
}
