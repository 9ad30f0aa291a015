package import DistilBERT
package import ModelFiles
package import Tensors
import Tokenization

/// A loaded model: tokenizer, encoder, head, and what its folder says about them. Used by one thread.
package final class Model {
    package let configuration: ModelConfiguration
    let tokenizer: Tokenizer
    let encoder: Encoder
    let head: ClassificationHead?
    let embedder: SentenceEmbedder

    /// The longest sequence, special tokens included.
    package let maxTokens: Int
    /// Where embeddings cut their texts: sentence-transformers' `max_seq_length` in its folders.
    private let embeddingLimit: Int

    /// Loads everything from a pack.
    package init(pack: PackFile, team: ComputeTeam) throws(EngineError) {
        let specification: TokenizerSpecification
        let folder: ModelFolder
        do {
            folder = try ModelFolder(pack: pack)
            specification = try folder.tokenizer()
        } catch {
            throw EngineError.files(error)
        }
        do {
            tokenizer = try Tokenizer(specification)
        } catch {
            throw EngineError.files(ModelFilesError(.malformedTokenizer, file: folder.directory, "\(error)"))
        }
        configuration = folder.configuration
        encoder = try Encoder(configuration, pack: pack, team: team)
        head = try ClassificationHead(configuration, pack: pack, team: team)
        embedder = try SentenceEmbedder(folder.modules, configuration, pack: pack, team: team)
        maxTokens = configuration.maxPositions
        embeddingLimit = folder.embeddingLimit(specification)
    }

    /// What packs the folder of a model: its checkpoint, the weights of its sentence-transformers modules, and copies of
    /// every small file that loading it reads. `exceptions`: formats of single weights (`ModelPacker.weights` names them).
    package static func packer(
        directory: String,
        variant: String,
        exceptions: [String: WeightFormat] = [:],
        layout: WeightLayout
    ) throws(EngineError) -> ModelPacker {
        let recorder = FolderFiles.Recorder()
        do {
            let folder = try ModelFolder(directory: directory, files: FolderFiles(recorder: recorder))
            let specification = try folder.tokenizer()
            do {
                _ = try Tokenizer(specification)
            } catch {
                throw ModelFilesError(.malformedTokenizer, file: directory, "\(error)")
            }
            var extras: [ModelPacker.PackedExtra] = []
            for (index, step) in (folder.modules?.steps ?? []).enumerated() {
                guard case .dense(let dense) = step else { continue }
                extras.append(
                    ModelPacker.PackedExtra(
                        name: SentenceEmbedder.denseName(index),
                        stem: "linear",
                        outputs: dense.outputs,
                        inputs: dense.inputs,
                        hasBias: dense.hasBias,
                        checkpoint: try dense.checkpoint()
                    )
                )
            }
            return try ModelPacker(
                folder.configuration,
                checkpoint: try folder.checkpoint(),
                extras: extras,
                files: recorder.contents(in: directory),
                variant: variant,
                exceptions: exceptions,
                layout: layout
            )
        } catch let error as EngineError {
            throw error
        } catch {
            throw EngineError.files(
                error as? ModelFilesError ?? ModelFilesError(.unreadableFile, file: directory, "\(error)")
            )
        }
    }

    /// Computes the shortest sequence, so that the first request finds everything warm and a model that computes no
    /// numbers is found before it serves.
    package func warmUp() throws(EngineError) {
        let sequence = TokenSequence(ids: [tokenizer.classID, tokenizer.separatorID])
        guard let output = try encoder.forward([sequence]) else { return }
        guard output.hidden[0].allSatisfy(\.isFinite) else {
            throw .files(
                ModelFilesError(
                    .malformedCheckpoint,
                    file: "model.safetensors",
                    "the model computes values that are not finite; its weights are damaged"
                )
            )
        }
    }

    /// The encoder alone, for measuring it.
    package func forward(_ sequences: [TokenSequence]) throws(EngineError) -> EncoderOutput? {
        try encoder.forward(sequences)
    }

    /// What this model answers.
    package var tasks: [TaskName] {
        TaskName.allCases.filter { $0 != .classify || (head?.labels ?? 0) > 0 }
    }

    /// Checks and tokenises a request.
    package func prepare(_ request: TaskRequest) throws(TaskError) -> PreparedTask {
        guard tasks.contains(request.task) else {
            let known = tasks.map(\.rawValue).joined(separator: ", ")
            throw TaskError(
                .unsupported,
                "the model is a \(configuration.architecture) and has no \(request.task.rawValue); it has \(known)"
            )
        }
        guard !request.texts.isEmpty else { throw TaskError(.invalidArgument, "inputs: there is no text") }
        switch request {
        case .tokenize(let texts, let options):
            return PreparedTask(request: request, immediate: .tokenize(try tokenize(texts, options)))
        case .classify(let texts, let options):
            return try sequences(request, texts, rows: .first, limit: maxTokens, options.overlong)
        case .embed(let texts, let options):
            if let dimensions = options.dimensions {
                let full = embedder.dimensions(options)
                guard dimensions <= full else {
                    throw TaskError(
                        .invalidArgument,
                        "truncate_dim: \(dimensions) is more than the model's \(full) dimensions"
                    )
                }
            }
            return try sequences(request, texts, rows: embedder.rows(options), limit: embeddingLimit, options.overlong)
        case .features(let texts, let overlong):
            return try sequences(request, texts, rows: .all, limit: maxTokens, overlong)
        }
    }

    private func sequences(
        _ request: TaskRequest,
        _ texts: [TaskText],
        rows: TokenSequence.Rows,
        limit: Int,
        _ overlong: Overlong
    ) throws(TaskError) -> PreparedTask {
        var prepared = PreparedTask(request: request)
        prepared.sequences.reserveCapacity(texts.count)
        for (index, text) in texts.enumerated() {
            try check(text, index)
            var sequence = TokenSequence(ids: [], rows: rows)
            let truncated = try encode(text, index, limit: limit, overlong, into: &sequence)
            if text.pair == nil { sequence.types = [] }
            prepared.tokens += sequence.ids.count
            prepared.sequences.append(sequence)
            prepared.truncated.append(truncated)
        }
        return prepared
    }

    private func encode(
        _ text: TaskText,
        _ index: Int,
        limit: Int,
        _ overlong: Overlong,
        into sequence: inout TokenSequence
    ) throws(TaskError) -> Bool {
        let truncated: Bool
        do {
            truncated = try withUTF8(text) { (first, second) throws(TokenizationError) in
                try tokenizer.encodeIDs(
                    first,
                    pair: second,
                    maxLength: overlong == .truncate ? limit : nil,
                    strategy: .longestFirst,
                    into: &sequence.ids,
                    typeIDs: &sequence.types
                )
            }
        } catch {
            throw TaskError(.invalidArgument, "inputs[\(index)]: \(error)")
        }
        guard sequence.ids.count <= limit else {
            throw TaskError(
                .invalidArgument,
                "inputs[\(index)].text: it has \(sequence.ids.count) tokens, the model takes at most \(limit); shorten it or ask "
                    + "for truncation"
            )
        }
        return truncated
    }

    /// Refuses what is most likely a caller's mistake, before it becomes a meaningless answer.
    private func check(_ text: TaskText, _ index: Int) throws(TaskError) {
        for (field, value) in [("text", text.text), ("text_pair", text.pair)] {
            guard let value else { continue }
            guard !value.isEmpty else {
                throw TaskError(.invalidArgument, "inputs[\(index)].\(field): the text is empty")
            }
            if let position = value.utf8.firstIndex(of: 0) {
                let offset = value.unicodeScalars.distance(from: value.startIndex, to: position)
                throw TaskError(
                    .invalidArgument,
                    "inputs[\(index)].\(field): the text holds U+0000 as its character \(offset); remove it"
                )
            }
        }
    }

    private func tokenize(_ texts: [TaskText], _ options: TokenizeOptions) throws(TaskError) -> [TokenizedText] {
        var results: [TokenizedText] = []
        for (index, text) in texts.enumerated() {
            let encoding: Encoding
            do {
                encoding = try tokenizer.encode(
                    text.text,
                    pair: text.pair,
                    addSpecialTokens: options.specialTokens,
                    maxLength: options.overlong == .truncate ? maxTokens : nil
                )
            } catch {
                throw TaskError(.invalidArgument, "inputs[\(index)]: \(error)")
            }
            if options.overlong == .error, encoding.count > maxTokens {
                throw TaskError(
                    .invalidArgument,
                    "inputs[\(index)].text: it has \(encoding.count) tokens, the model takes at most \(maxTokens)"
                )
            }
            results.append(
                TokenizedText(encoding: encoding, tokens: encoding.ids.map { tokenizer.token(for: $0) ?? "" })
            )
        }
        return results
    }
}

/// Lends the UTF-8 of a text and its pair.
private func withUTF8<R>(
    _ text: TaskText,
    _ body: (UnsafeBufferPointer<UInt8>, UnsafeBufferPointer<UInt8>?) throws(TokenizationError) -> R
) throws(TokenizationError) -> R {
    var first = text.text
    var second = text.pair
    var result: Result<R, TokenizationError>?
    first.withUTF8 { first in
        func call(_ second: UnsafeBufferPointer<UInt8>?) {
            do throws(TokenizationError) {
                result = .success(try body(first, second))
            } catch {
                result = .failure(error)
            }
        }
        if second != nil {
            second?.withUTF8 { call($0) }
        } else {
            call(nil)
        }
    }
    guard let result else { preconditionFailure("withUTF8 always calls its body") }
    return try result.get()
}

/// A request that was checked and tokenised, ready to be computed with others.
package struct PreparedTask: Sendable {
    package let request: TaskRequest
    /// The answer, when nothing has to be computed for it.
    package let immediate: TaskResult?
    package internal(set) var sequences: [TokenSequence] = []
    /// Whether each sequence's text was cut.
    var truncated: [Bool] = []
    /// Of all sequences, special tokens included.
    package internal(set) var tokens = 0

    init(request: TaskRequest, immediate: TaskResult? = nil) {
        self.request = request
        self.immediate = immediate
    }
}
