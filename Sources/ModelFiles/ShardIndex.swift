import JSON

/// `model.safetensors.index.json`: which file of a sharded checkpoint holds which tensor.
struct ShardIndex {
    static let fileName = "model.safetensors.index.json"
    private static let mostShards = 1024

    /// Every tensor's name and the name of its file, in the order of the index.
    let placement: [(tensor: String, file: String)]
    /// The shards' file names, each once, sorted.
    let files: [String]

    init(path: String) throws(ModelFilesError) {
        let map = try JSONNode(readingFile: path, blame: .malformedCheckpoint).required("weight_map")
        var placement: [(tensor: String, file: String)] = []
        var files: Set<ExactString> = []
        for (tensor, node) in try map.members() {
            let file = try node.string()
            guard Self.isPlainName(file) else {
                throw node.mismatch("the plain name of a .safetensors file in the same folder")
            }
            placement.append((tensor, file))
            files.insert(ExactString(file))
        }
        guard !files.isEmpty, files.count <= Self.mostShards else {
            throw ModelFilesError(
                .malformedCheckpoint,
                file: path,
                "`weight_map` names \(files.count) files; it must name 1 to \(Self.mostShards)"
            )
        }
        self.placement = placement
        self.files = files.map(\.string).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Whether a name can only mean a file directly inside the folder.
    private static func isPlainName(_ name: String) -> Bool {
        name.utf8.count <= 255 && !name.hasPrefix(".") && name.hasSuffix(".safetensors")
            && !name.unicodeScalars.contains { $0 == "/" || $0.properties.generalCategory == .control }
    }
}
