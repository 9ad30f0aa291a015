import JSON

/// The weights of a model as they lie in its folder: one mapped safetensors file, or several that share the tensors.
///
/// Nothing is read into the heap but the headers. Tensors are found under any of the names that `transformers` has used
/// for them (``canonicalName(of:)``).
package struct Checkpoint: Sendable {
    /// The mapped files that hold the weights, in a stable order: what a hash of the weights must cover.
    package let contents: [MappedFile]
    /// The names of all tensors as the files give them, sorted by bytes.
    package let names: [String]
    /// The folder, for errors.
    package let directory: String

    private let tensors: [ExactString: TensorView]
    /// Names of tensors by canonical name; several where a file holds the same tensor under two names.
    private let aliases: [ExactString: [ExactString]]

    /// The paths of ``contents``, in the same order.
    package var files: [String] { contents.map(\.path) }

    /// Maps and checks the weights in `directory`: `model.safetensors`, or else the shards that
    /// `model.safetensors.index.json` lists.
    package init(directory: String) throws(ModelFilesError) {
        let single = join(directory, Self.singleFile)
        if fileExists(single) {
            try self.init(directory: directory, contents: [try MappedFile(path: single)], placement: nil)
            return
        }
        let index = join(directory, ShardIndex.fileName)
        guard fileExists(index) else { throw Self.missing(directory) }
        let shards = try ShardIndex(path: index)
        var contents: [MappedFile] = []
        for name in shards.files { contents.append(try MappedFile(path: join(directory, name))) }
        try self.init(directory: directory, contents: contents, placement: shards)
    }

    private init(
        directory: String,
        contents: [MappedFile],
        placement: ShardIndex?
    ) throws(ModelFilesError) {
        var tensors: [ExactString: TensorView] = [:]
        var aliases: [ExactString: [ExactString]] = [:]
        for file in contents {
            for entry in try SafetensorsHeader(validating: file.bytes, file: file.path).entries {
                let name = ExactString(entry.name)
                if let other = tensors.updateValue(TensorView(entry, in: file), forKey: name) {
                    throw ModelFilesError(
                        .malformedCheckpoint,
                        file: file.path,
                        "the tensor \(quoted(entry.name)) is in \(other.file.path) too"
                    )
                }
                aliases[ExactString(Self.canonicalName(of: entry.name)), default: []].append(name)
            }
        }
        if let placement {
            for (name, shard) in placement.placement {
                guard tensors[ExactString(name)]?.file.path == join(directory, shard) else {
                    throw ModelFilesError(
                        .malformedCheckpoint,
                        file: join(directory, ShardIndex.fileName),
                        "the tensor \(quoted(name)) is not in \(shard), where the index places it"
                    )
                }
            }
        }
        self.directory = directory
        self.contents = contents
        self.tensors = tensors
        self.aliases = aliases
        names = tensors.keys.map(\.string).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    // MARK: - Tensors

    /// The tensor that has this name in the file or, failing that, another spelling of it; nil if there is none or if
    /// several spellings are there, so that none is meant more than the other.
    package func tensor(_ name: String) -> TensorView? {
        if let exact = tensors[ExactString(name)] { return exact }
        guard let spellings = aliases[ExactString(Self.canonicalName(of: name))], spellings.count == 1 else {
            return nil
        }
        return tensors[spellings[0]]
    }

    /// The weight of this name, under any of its spellings, which must have the shape `shape` and the type F32, F16 or BF16.
    package func weight(_ name: String, shape: [Int]) throws(ModelFilesError) -> TensorView {
        guard let tensor = tensor(name) else {
            let spellings = aliases[ExactString(Self.canonicalName(of: name))] ?? []
            let reason =
                spellings.isEmpty
                ? "is missing; expected shape \(shape)"
                : "is there under several names: \(spellings.map { quoted($0.string) }.joined(separator: ", "))"
            throw ModelFilesError(
                .missingTensor,
                file: files[0],
                "the tensor \(quoted(name)) \(reason). The checkpoint has \(names.count) tensors and does not fit its "
                    + "config.json; check `model_type` and `architectures` there"
            )
        }
        guard tensor.shape == shape else {
            throw ModelFilesError(
                .unexpectedTensor,
                file: tensor.file.path,
                "the tensor \(quoted(tensor.name)) has the shape \(tensor.shape); config.json calls for \(shape)"
            )
        }
        guard tensor.dtype.isWeight else {
            throw ModelFilesError(
                .unexpectedTensor,
                file: tensor.file.path,
                "the tensor \(quoted(tensor.name)) has the type \(tensor.dtype.rawValue); weights must be F32, F16 or BF16"
            )
        }
        return tensor
    }

    // MARK: - Names

    /// The spelling of a tensor's name that stands for all others: without the `bert.` or `distilbert.` that a model with
    /// a head puts before its encoder's tensors, with `weight` and `bias` for the `gamma` and `beta` of TensorFlow, and
    /// with one name for the masked-LM bias, which some files have twice.
    static func canonicalName(of name: String) -> String {
        var canonical = Substring(name)
        for prefix in ["bert.", "distilbert."] where canonical.utf8.starts(with: prefix.utf8) {
            canonical = canonical.dropFirst(prefix.count)
            break
        }
        if canonical.hasSuffix(".gamma") { return canonical.dropLast(5) + "weight" }
        if canonical.hasSuffix(".beta") { return canonical.dropLast(4) + "bias" }
        if canonical == "cls.predictions.decoder.bias" { return "cls.predictions.bias" }
        return String(canonical)
    }

    // MARK: - What a folder without safetensors holds instead

    private static let singleFile = "model.safetensors"

    private static func missing(_ directory: String) -> ModelFilesError {
        for name in ["pytorch_model.bin", "pytorch_model.bin.index.json"] where fileExists(join(directory, name)) {
            return ModelFilesError(
                .unsupportedFormat,
                file: join(directory, name),
                "this checkpoint is a pickle, which can run code when it is read, and is therefore refused; convert it once, "
                    + "in its folder, on a machine where you trust it: python3 -c 'import glob, torch, safetensors.torch as s; "
                    + "s.save_file({k: v.clone().contiguous() for f in sorted(glob.glob(\"pytorch_model*.bin\")) "
                    + "for k, v in torch.load(f, weights_only=True).items()}, \"model.safetensors\")'"
            )
        }
        for name in ["tf_model.h5", "flax_model.msgpack", "model.onnx"] where fileExists(join(directory, name)) {
            return ModelFilesError(
                .unsupportedFormat,
                file: join(directory, name),
                "this format of weights is not read; save the model as model.safetensors with `transformers`"
            )
        }
        return ModelFilesError(
            .missingFile,
            file: join(directory, singleFile),
            "the model's weights are missing: the folder has neither model.safetensors nor \(ShardIndex.fileName)"
        )
    }
}

/// A file's path inside a folder.
func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
}
