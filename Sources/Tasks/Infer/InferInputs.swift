import DistilBERT
import Messages
import ModelFiles

/// The inputs of an `infer` request, checked: `input_ids`, `attention_mask` and `token_type_ids`, of one shape,
/// [batch, tokens] or, for multiple choice, [batch, choices, tokens].
struct InferInputs {
    /// [batch, tokens] or [batch, choices, tokens].
    let shape: [Int]
    /// Tokens that the mask keeps, one sequence per row; the places in its row that they come from.
    let rows: [(sequence: TokenSequence, places: [Int])]

    var length: Int { shape[shape.count - 1] }

    private static let mostRows = 4096
    private static let names = ["input_ids", "attention_mask", "token_type_ids"]

    init(_ tensors: [Tensor], for model: Model) throws(TaskError) {
        var inputs: [String: [Int64]] = [:]
        let shape = tensors.first?.shape.map { Int(clamping: $0) } ?? []
        for tensor in tensors {
            let values = try Self.values(of: tensor, inputs)
            guard tensor.shape.elementsEqual(tensors[0].shape) else {
                throw .invalid(tensor.name, "its shape is \(tensor.shape), and \(tensors[0].name) has \(shape)")
            }
            inputs[tensor.name] = values
        }
        guard let ids = inputs["input_ids"] else { throw .invalid("inputs", "input_ids is missing") }
        let rank = model.head?.head == .multipleChoice ? 3 : 2
        guard shape.count == rank, !shape.contains(0) else {
            let wanted = rank == 3 ? "[batch, choices, tokens]" : "[batch, tokens]"
            throw .invalid("input_ids", "its shape is \(shape), and \(wanted) is wanted, none of them 0")
        }
        let length = shape[rank - 1]
        guard length <= model.maxTokens else {
            throw .invalid("input_ids", "it has \(length) tokens per row, the model takes at most \(model.maxTokens)")
        }
        guard ids.count / length <= Self.mostRows else {
            throw .invalid("input_ids", "it has \(ids.count / length) rows, and \(Self.mostRows) is the most at once")
        }
        try model.meter.expect(ids.count / length, "input_ids")
        try model.meter.add(tokens: ids.count, "input_ids")
        self.shape = shape
        let limits = (
            vocabulary: model.configuration.vocabularySize, types: model.configuration.typeVocabularySize
        )
        let readsFirst = model.head?.head.readsFirstToken == true
        var rows: [(TokenSequence, [Int])] = []
        for start in stride(from: 0, to: ids.count, by: length) {
            let row = start..<start + length
            let mask = try inputs["attention_mask"].map { (mask) throws(TaskError) in
                try Self.numbers(mask[row], "attention_mask", below: 2)
            }
            let tokens = try Self.numbers(ids[row], "input_ids", below: limits.vocabulary)
            var types: [Int32] = []
            if let given = inputs["token_type_ids"], limits.types > 0 {
                types = try Self.numbers(given[row], "token_type_ids", below: limits.types)
            }
            let places = (0..<length).filter { mask?[$0] != 0 }
            guard !places.isEmpty, places[0] == 0 || !readsFirst else {
                throw .invalid(
                    "attention_mask",
                    places.isEmpty
                        ? "it leaves no token of row \(start / length)"
                        : "it leaves out the first token of row \(start / length), which the model's head looks at"
                )
            }
            let isWhole = places.count == length
            let sequence = TokenSequence(
                ids: places.map { tokens[$0] },
                types: types.isEmpty ? [] : places.map { types[$0] },
                positions: isWhole || places[places.count - 1] == places.count - 1 ? [] : places.map(Int32.init)
            )
            rows.append((sequence, places))
        }
        self.rows = rows
    }

    private static func values(of tensor: Tensor, _ known: [String: [Int64]]) throws(TaskError) -> [Int64] {
        guard names.contains(tensor.name), known[tensor.name] == nil else {
            throw .invalid(
                "inputs",
                "\"\(tensor.name)\" \(known[tensor.name] == nil ? "is not an input" : "is there twice"); the model takes "
                    + names.joined(separator: ", ")
            )
        }
        guard tensor.type == .int64 else {
            throw .invalid(tensor.name, "it holds floats; its values must be integers (INT64)")
        }
        guard Tensor.count(tensor.shape.map { Int(clamping: $0) }) == tensor.int64Data.count else {
            throw .invalid(tensor.name, "it has \(tensor.int64Data.count) values, and the shape \(tensor.shape)")
        }
        return tensor.int64Data
    }

    private static func numbers(
        _ values: ArraySlice<Int64>,
        _ name: String,
        below limit: Int
    ) throws(TaskError) -> [Int32] {
        if let wrong = values.first(where: { $0 < 0 || $0 >= limit }) {
            throw .invalid(name, "\(wrong) is not between 0 and \(limit - 1)")
        }
        return values.map { Int32(truncatingIfNeeded: $0) }
    }
}

extension Tensor {
    /// As many values as the shape has; nil where that is more than an `Int`.
    static func count(_ shape: [Int]) -> Int? {
        var count = 1
        for size in shape {
            guard case let (product, overflow) = count.multipliedReportingOverflow(by: size), !overflow else {
                return nil
            }
            count = product
        }
        return count
    }
}
