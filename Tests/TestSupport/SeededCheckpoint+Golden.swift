package import ModelFiles

extension SeededCheckpoint {
    /// Reads the options from the `checkpoint` of a golden case, which uses the Python class's names.
    package init(_ node: JSONNode) throws(ModelFilesError) {
        func integer(_ key: String, _ standard: Int) throws(ModelFilesError) -> Int {
            try node.member(key)?.integer(in: 0...Int.max) ?? standard
        }
        func strings(_ key: String) throws(ModelFilesError) -> [String] {
            var strings: [String] = []
            for node in try node.member(key)?.elements() ?? [] { strings.append(try node.string()) }
            return strings
        }
        let familyNode = try node.required("family")
        guard let family = ModelConfiguration.Family(rawValue: try familyNode.string()) else {
            throw familyNode.mismatch("\"bert\" or \"distilbert\"")
        }
        self.init(
            family: family,
            hidden: try integer("hidden", 64),
            layers: try integer("layers", 2),
            heads: try integer("heads", 4),
            intermediate: try integer("intermediate", 200),
            vocabulary: try integer("vocabulary", 1000)
        )
        positions = try integer("positions", positions)
        tokenTypes = try integer("token_types", tokenTypes)
        labels = try integer("labels", labels)
        shards = try integer("shards", shards)
        seed = UInt64(try integer("seed", Int(seed)))
        if let node = try node.member("activation") { activation = try node.string() }
        if let node = try node.member("spread") { spread = Float(try node.number()) }
        if let node = try node.member("prefixed") { prefixed = try node.bool() }
        if let node = try node.member("gamma_beta") { gammaBeta = try node.bool() }
        if let node = try node.member("problem_type") { problemType = try node.string() }
        if let node = try node.member("own_decoder") { ownDecoder = try node.bool() }
        if let node = try node.member("lowercase") { lowercase = try node.bool() }
        labelNames = try strings("label_names")
        if labels == 0 { labels = labelNames.count }
        extraWords = try strings("extra_words")
        if let node = try node.member("head") {
            guard let kind = Head(rawValue: try node.string()) else { throw node.mismatch("the name of a head") }
            head = kind
        }
        if let node = try node.member("dtype") {
            guard let type = ElementType(rawValue: try node.string()), type.isWeight else {
                throw node.mismatch("F32, F16 or BF16")
            }
            dtype = type
        }
    }
}
