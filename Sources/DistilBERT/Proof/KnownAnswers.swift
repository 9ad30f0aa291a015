import ModelFiles

/// What a pack has to compute, worked out by `ReferenceModel` from the checkpoint while it was packed. It lies in the
/// pack as sections of float32 values:
///
/// | section | shape | what |
/// |---|---|---|
/// | proof.product.NAME | [2, outputs] | W·x + b of the linear layer NAME for `probe`; Σ\|w·x\| + \|b\| of each output |
/// | proof.table.NAME | [2, columns] | Σ r·T[r] over the rows of the table NAME, r of `weights`; Σ\|r·T[r]\| |
/// | proof.text.N | [2, L] | token ids and types of a text |
/// | proof.states.N | [L, H] | its last hidden states |
/// | proof.scores.N | [2, n · outputs] | what the head makes of its first n tokens; how large the terms of each sum are |
struct KnownAnswers {
    struct Product {
        var values: [Float]
        var magnitudes: [Float]
    }

    struct Text {
        var sequence: TokenSequence
        /// [L, H]
        var states: [Float]
        /// [n, outputs]; empty where nothing stands behind the encoder.
        var scores: [Float]
        /// √Σ(w·x)² of each score's terms: what its rounding is in relation to, as a score itself may be nearly 0.
        var scoreMagnitudes: [Float]
    }

    /// By the layer's name in the pack.
    var products: [String: Product] = [:]
    /// By the table's name in the pack.
    var tables: [String: Product] = [:]
    /// The shortest first.
    var texts: [Text] = []

    /// The input of every layer's known product, [inputs]: multiples of 1/256 in [0, 1), with both ends, so that rounding
    /// them to bfloat16 or to 256 levels changes nothing, and every weight counts.
    static func probe(_ inputs: Int) -> [Float] {
        var state: UInt64 = 0xD1B5_4A32_D192_ED03
        var values = (0..<inputs).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 56) / 256
        }
        if inputs > 1 { (values[0], values[inputs - 1]) = (0, 255 / 256) }
        return values
    }

    /// What the rows of a table are multiplied by before they are added up, in [0.5, 1.5).
    static func weights(_ rows: Int) -> [Double] {
        var state: UInt64 = 0x8CB9_2BA7_2F3D_8DD7
        return (0..<rows).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return 0.5 + Double(state >> 40) / Double(1 << 24)
        }
    }

    init() {}
}

// MARK: - In a pack

extension KnownAnswers {
    private static let prefix = "proof."

    /// The sections and their values.
    var sections: [(section: PackSection, values: [Float])] {
        var result: [(section: PackSection, values: [Float])] = []
        func add(_ name: String, rows: Int = 2, _ values: [Float]) {
            let (columns, byteCount) = (values.count / max(1, rows), values.count * MemoryLayout<Float>.stride)
            let name = Self.prefix + name
            result.append((PackSection(name: name, rows: rows, columns: columns, byteCount: byteCount), values))
        }
        for (kind, products) in [("product", products), ("table", tables)] {
            for (name, product) in products.sorted(by: { $0.key < $1.key }) {
                add("\(kind).\(name)", product.values + product.magnitudes)
            }
        }
        for (index, text) in texts.enumerated() {
            let length = text.sequence.ids.count
            let types = text.sequence.types.isEmpty ? [Int32](repeating: 0, count: length) : text.sequence.types
            add("text.\(index)", (text.sequence.ids + types).map { Float($0) })
            add("states.\(index)", rows: length, text.states)
            add("scores.\(index)", text.scores + text.scoreMagnitudes)
        }
        return result
    }

    /// Reads what a pack holds. Its texts alone where `textsOnly`.
    init(_ pack: PackFile, _ configuration: ModelConfiguration, textsOnly: Bool = false) throws(ModelFilesError) {
        while let ids = Self.values(pack, "text.\(texts.count)") {
            let length = ids.count / 2
            let index = texts.count
            guard length > 0, let states = Self.values(pack, "states.\(index)"),
                states.count == length * configuration.hiddenSize, let scores = Self.values(pack, "scores.\(index)"),
                scores.count % 2 == 0,
                ids.allSatisfy({ $0 >= 0 && $0 < 16_777_216 })
            else { throw Self.damaged("proof.text.\(index)") }
            texts.append(
                Text(
                    sequence: TokenSequence(
                        ids: ids[..<length].map { Int32($0) },
                        types: ids[length...].map { Int32($0) }
                    ),
                    states: states,
                    scores: Array(scores[..<(scores.count / 2)]),
                    scoreMagnitudes: Array(scores[(scores.count / 2)...])
                )
            )
        }
        guard !texts.isEmpty else { throw Self.damaged("proof.text.0") }
        if textsOnly { return }
        products = try Self.products(pack, "product.")
        tables = try Self.products(pack, "table.")
    }

    private static func products(_ pack: PackFile, _ kind: String) throws(ModelFilesError) -> [String: Product] {
        var result: [String: Product] = [:]
        for section in pack.names(prefix: prefix + kind) {
            let name = String(section.dropFirst(prefix.count + kind.count))
            guard let values = values(pack, kind + name), values.count % 2 == 0 else { throw damaged(section) }
            let half = values.count / 2
            result[name] = Product(values: Array(values[..<half]), magnitudes: Array(values[half...]))
        }
        return result
    }

    private static func values(_ pack: PackFile, _ name: String) -> [Float]? {
        guard let bytes = pack.bytes(of: prefix + name), bytes.count % MemoryLayout<Float>.stride == 0 else {
            return nil
        }
        return Array(bytes.bindMemory(to: Float.self))
    }

    private static func damaged(_ section: String) -> ModelFilesError {
        ModelFilesError(
            .malformedPack,
            file: "pack",
            "the pack's known answers (\(section)) are missing or damaged; it must be made again"
        )
    }
}
