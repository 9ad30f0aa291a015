import DistilBERT
import ModelFiles
import Tokenization

package struct FillMaskOptions: Sendable, Equatable {
    /// Tokens to return for each mask, best first.
    package var topK: Int
    /// Only these words; nil: the whole vocabulary. Of a word that the vocabulary lacks, its first piece counts.
    package var targets: [String]?
    package var overlong: Overlong

    package init(topK: Int = 5, targets: [String]? = nil, overlong: Overlong = .error) {
        self.topK = topK
        self.targets = targets
        self.overlong = overlong
    }
}

/// A token for a mask.
package struct FilledToken: Sendable, Equatable {
    package let id: Int32
    package let text: String
    package let score: Float
    /// The whole text with the token in place.
    package let sequence: String
}

/// The tokens for one mask, best first.
package struct FilledMask: Sendable, Equatable {
    package let tokens: [FilledToken]
    /// Where the mask stands, in scalars of the text.
    package let start: Int
    package let end: Int
}

/// The answer to one text of a fill-mask request.
package struct FilledText: Sendable, Equatable {
    package let masks: [FilledMask]
    package let tokens: Int
    package let truncated: Bool
    /// Targets that were replaced or left out.
    package let warnings: [String]
}

/// The fill-mask pipeline of `transformers`.
struct FillMaskTask: TaskBody {
    static let name = TaskName.fillMask
    let texts: [String]
    let options: FillMaskOptions

    /// What fits a frame.
    private static let mostAnswerBytes = 15 << 20

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !texts.isEmpty else { throw .invalid("texts", "there is no text") }
        guard options.topK >= 1 else { throw .invalid("top_k", "it is \(options.topK); it must be at least 1") }
        try options.overlong.refuseWindows()
        guard let mask = model.tokenizer.maskID else {
            throw .invalid("model", "its tokenizer has no mask token")
        }
        let targets = try FillMaskTargets(options.targets, model.tokenizer)
        var pipeline = FillMaskPipeline(options: options, targets: targets, tokenizer: model.tokenizer)
        var sequences: [TokenSequence] = []
        var answerBytes = 0
        let wanted = min(options.topK, targets.ids?.count ?? model.configuration.vocabularySize)
        for (index, text) in texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field)
            let limit = options.overlong == .truncate ? model.textLimit : nil
            let encoding = try model.encoding(text, field, limit: limit)
            let rows = encoding.ids.indices.filter { encoding.ids[$0] == mask }
            guard !rows.isEmpty else {
                let token = model.tokenizer.token(for: mask) ?? ""
                throw .invalid(
                    field,
                    encoding.truncated
                        ? "there is no \(token) in its first \(encoding.count) tokens, where it is cut; shorten what is before"
                        : "there is no \(token) in it; write one where a word is wanted"
                )
            }
            // Each token comes with the whole text.
            answerBytes += rows.count * wanted * (text.utf8.count + 32)
            guard answerBytes <= Self.mostAnswerBytes else {
                throw .invalid(
                    "top_k",
                    "\(wanted) tokens for each mask would make an answer of more than \(Self.mostAnswerBytes >> 20) MiB; "
                        + "ask for fewer, name targets, or send fewer masks at once"
                )
            }
            sequences.append(TokenSequence(encoding, rows: .at(rows)))
            pipeline.texts.append(.init(encoding: encoding, masks: rows))
        }
        return PreparedTask(pipeline, sequences: sequences)
    }
}

/// The words that may stand for a mask.
struct FillMaskTargets {
    /// Ascending, each once; nil: all.
    let ids: [Int]?
    let warnings: [String]

    init(_ targets: [String]?, _ tokenizer: Tokenizer) throws(TaskError) {
        guard let targets else {
            (ids, warnings) = (nil, [])
            return
        }
        var known: Set<Int> = []
        var warnings: [String] = []
        for (index, target) in targets.enumerated() {
            if let id = tokenizer.id(of: target) {
                known.insert(Int(id))
                continue
            }
            let unknown = "the vocabulary has no \"\(target)\""
            let piece: Int32?
            do throws(TokenizationError) {
                piece = try tokenizer.encode(target, addSpecialTokens: false, maxLength: 1).ids.first
            } catch {
                throw .invalid("targets[\(index)]", error.message)
            }
            guard let piece else {
                warnings.append("\(unknown), which is left out")
                continue
            }
            known.insert(Int(piece))
            warnings.append("\(unknown); \"\(tokenizer.token(for: piece) ?? "")\" stands for it")
        }
        guard !known.isEmpty else { throw .invalid("targets", "none of them is made of words that the model knows") }
        ids = known.sorted()
        self.warnings = warnings
    }
}
