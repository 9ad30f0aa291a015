import DistilBERT
import Messages
import ModelFiles
import Tokenization

/// The fill-mask pipeline of `transformers`.
struct FillMaskTask: InferenceTask {
    static let method = InferenceMethod.fillMask
    private let request: FillMaskRequest

    /// What fits a frame.
    private static let mostAnswerBytes = 15 << 20

    init(_ request: FillMaskRequest) { self.request = request }

    static func isAnswered(by model: Model) -> Bool {
        if case .maskedLM = model.head?.head { true } else { false }
    }

    func prepare(for model: Model) throws(TaskError) -> PreparedTask {
        guard !request.texts.isEmpty else { throw .invalid("texts", "there is no text") }
        try model.meter.expect(request.texts.count, "texts")
        try request.truncation.refuseWindows()
        guard let mask = model.tokenizer.maskID else {
            throw .invalid("model", "its tokenizer has no mask token")
        }
        let targets = try FillMaskTargets(request.targets, model.tokenizer)
        let count = request.topK.given ?? 5
        var pipeline = FillMaskPipeline(count: count, targets: targets, tokenizer: model.tokenizer)
        var sequences: [TokenSequence] = []
        var answerBytes = 0
        let wanted = min(count, targets.ids?.count ?? model.configuration.vocabularySize)
        for (index, text) in request.texts.enumerated() {
            let field = "texts[\(index)]"
            try model.check(text, field)
            let limit = request.truncation == .truncate ? model.textLimit : nil
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

    init(_ targets: [String], _ tokenizer: Tokenizer) throws(TaskError) {
        guard !targets.isEmpty else {
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
