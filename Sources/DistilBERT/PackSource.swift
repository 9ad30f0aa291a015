import ModelFiles
import Tensors
import Tokenization

/// A model's folder as it is packed, opened once: whatever packs, trials and known answers are made of comes from the same
/// mapped files as the key that names them.
package struct PackSource {
    let plan: NetworkPlan
    let checkpoint: Checkpoint
    let moduleLayers: [(layer: Linear, checkpoint: Checkpoint)]
    /// Small files that packs hold as they are.
    let files: [(name: String, file: MappedFile)]
    /// What packs hold in another form, by name.
    let notes: [(name: String, bytes: [UInt8])]
    /// A hash of what all files hold, 16 hexadecimal digits: recognises a model, defends against nobody.
    package let contents: String

    private let directory: String
    private let tokenizer: Tokenizer
    /// Everything that was read, in the order of the hash; weights have no name.
    private let sources: [(name: String?, file: MappedFile)]

    package init(directory: String) throws(EngineError) {
        do {
            let recorder = FolderFiles.Recorder()
            let folder = try ModelFolder(directory: directory, files: FolderFiles(recorder: recorder))
            files = recorder.contents(in: directory)
            let copied = Set(files.map(\.name))
            tokenizer = try Tokenizer(folder: folder)
            var sources = recorder.contents(in: directory)
            sources = files + sources.filter { !copied.contains($0.name) }
            checkpoint = try folder.checkpoint()
            plan = NetworkPlan(folder.configuration, folder.modules, checkpoint: checkpoint)
            var moduleLayers: [(layer: Linear, checkpoint: Checkpoint)] = []
            var notes: [(name: String, bytes: [UInt8])] = []
            for module in plan.modules {
                switch module {
                case .dense(let dense, _, _):
                    let checkpoint = try dense.checkpoint()
                    moduleLayers += module.linears.map { ($0, checkpoint) }
                case .layerNorm(let norm, let parameter):
                    let checkpoint = try norm.checkpoint()
                    let values = try parameter.views(in: checkpoint).flatMap { $0.floats() }
                    notes.append((parameter.name, values.withUnsafeBytes(Array.init)))
                    sources += checkpoint.contents.map { (parameter.name, $0) }
                case .normalize: break
                }
            }
            self.moduleLayers = moduleLayers
            self.notes = notes + tokenizer.notes
            self.directory = directory
            let weights = checkpoint.contents + moduleLayers.flatMap(\.checkpoint.contents)
            self.sources = sources.map { ($0.name, $0.file) } + weights.map { (nil, $0) }
            contents = Self.hash(self.sources, seed: 0)
        } catch {
            throw EngineError(error)
        }
    }

    /// - Throws: `EngineError.files`, which is passing, when a file was written to since it was opened: what was made of it may
    ///   be of neither contents. One that was replaced by renaming another into its place is still what it was.
    package func requireUnchanged() throws(EngineError) {
        let written = sources.first { $0.file.wasWritten }?.file.path
        guard written != nil || Self.hash(sources, seed: 0) != contents else { return }
        throw .files(
            ModelFilesError(
                .unreadableFile,
                file: written ?? directory,
                "the file was written to while the model was packed; reload the model when it is complete"
            )
        )
    }

    /// hashes of the contents and exceptions - precision - version of the format
    func key(variant: String, exceptions: [String: WeightFormat]) -> String {
        var name = contents + Self.hash(sources, seed: Self.secondSeed)
        if !exceptions.isEmpty {
            let text = exceptions.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.rawValue)\n" }.joined()
            name += "-" + Self.digits(Array(text.utf8).withUnsafeBytes { contentHash($0) })
        }
        return "\(name)-\(variant)-\(PackFile.version)"
    }

    /// What packs hold known answers of: the shortest sequence, a sentence and a pair, cut to what the model takes.
    func knownTexts() throws(ModelFilesError) -> [TokenSequence] {
        let most = plan.configuration.maxPositions
        let shortest = [tokenizer.classID, tokenizer.separatorID]
        guard most >= 8 else { return [TokenSequence(ids: Array(shortest.prefix(most)))] }
        // A model may know one type of token only.
        let lastType = Int32(max(0, plan.configuration.typeVocabularySize - 1))
        do throws(TokenizationError) {
            let sentence = "The committee postponed its decision until June!"
            let pair = "It sank off Cape Horn in 1903."
            let encodings = [
                try tokenizer.encode(sentence, maxLength: min(16, most)),
                try tokenizer.encode(
                    "Where did the ship go down?",
                    pair: pair,
                    maxLength: min(24, most),
                    strategy: .longestFirst
                ),
            ]
            return [TokenSequence(ids: shortest)]
                + encodings.map { TokenSequence(ids: $0.ids, types: $0.typeIDs.map { min($0, lastType) }) }
        } catch {
            throw ModelFilesError(.malformedTokenizer, file: directory, "\(error)")
        }
    }

    /// Keys are made of two hashes: one of 64 bits alone would be the whole identity of a model.
    private static let secondSeed: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func hash(_ sources: [(name: String?, file: MappedFile)], seed: UInt64) -> String {
        var hash = seed
        for (name, file) in sources {
            if let name { hash = Array(name.utf8).withUnsafeBytes { contentHash($0, seed: hash) } }
            hash = contentHash(file.bytes, seed: hash)
        }
        return digits(hash)
    }

    private static func digits(_ hash: UInt64) -> String {
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
