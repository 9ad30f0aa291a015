import Messages
import Tensors
import Tokenization

struct FillMaskPipeline: Pipeline {
    struct Text {
        let encoding: Encoding
        /// The places of its masks.
        let masks: [Int]
    }

    /// Tokens to answer for each mask, best first.
    private let count: Int
    private let targets: FillMaskTargets
    private let tokenizer: Tokenizer
    var texts: [Text] = []
    private var results: [[FilledMask]] = []

    init(count: Int, targets: FillMaskTargets, tokenizer: Tokenizer) {
        self.count = count
        self.targets = targets
        self.tokenizer = tokenizer
    }

    var needs: PipelineNeeds { .logits }

    mutating func take(_ values: Matrix, fromRow first: Int, of sequence: Int) {
        if results.count <= sequence { results.append([]) }
        for row in 0..<values.rows { results[sequence].append(filled(values[row], first + row, texts[sequence])) }
    }

    func finish() -> InferenceResponse {
        let results = zip(texts, results).map { text, masks in
            FilledText(
                masks: masks,
                tokens: UInt32(clamping: text.encoding.count),
                truncated: text.encoding.truncated,
                warnings: targets.warnings
            )
        }
        return .fillMask(FillMaskResponse(results: results))
    }

    private func filled(_ logits: UnsafeMutableBufferPointer<Float>, _ mask: Int, _ text: Text) -> FilledMask {
        let top = logits.max() ?? 0
        func power(_ logit: Float) -> Double { PlainFunctions.exp(Double(logit - top)) }
        let sum = logits.reduce(0) { $0 + power($1) }
        let place = text.masks[mask]
        let offsets = text.encoding.offsets[place]
        return FilledMask(
            tokens: best(logits).map { id in
                var ids = text.encoding.ids
                ids[place] = Int32(id)
                return FilledToken(
                    token: UInt32(id),
                    tokenStr: tokenizer.decode([Int32(id)]),
                    score: Float(power(logits[id]) / sum),
                    // With several masks the others must show, and other special tokens with them.
                    sequence: tokenizer.decode(
                        ids.lazy.filter { $0 != tokenizer.padID },
                        skipsSpecialTokens: text.masks.count == 1
                    )
                )
            },
            start: UInt32(offsets.start),
            end: UInt32(offsets.end)
        )
    }

    /// The ids with the largest logits, best first, of equal ones the lower first.
    private func best(_ logits: UnsafeMutableBufferPointer<Float>) -> [Int] {
        func isBetter(_ a: Int, _ b: Int) -> Bool { logits[a] != logits[b] ? logits[a] > logits[b] : a < b }
        let wanted = min(count, targets.ids?.count ?? logits.count)
        if let ids = targets.ids { return Array(ids.sorted(by: isBetter).prefix(wanted)) }
        guard wanted <= 100 else { return Array(logits.indices.sorted(by: isBetter).prefix(wanted)) }
        var best: [Int] = []
        for id in logits.indices where best.count < wanted || logits[id] > logits[best[best.count - 1]] {
            if best.count == wanted { best.removeLast() }
            best.insert(id, at: best.firstIndex { logits[$0] < logits[id] } ?? best.count)
        }
        return best
    }
}
