import Glibc
import JSON
import ModelFiles
import Tensors
import Training

/// A run on the disk: what is needed to go on with it as if it had not been interrupted.
///
/// The file is a line of JSON, which has a hash of the rest, and then the float32 values of weights, first and second moments, and a
/// byte for each row of the word table. It appears whole or not at all; the one before stays until then.
package struct RunState {
    /// The folder beside the output that holds it.
    package let folder: String
    /// What the run is of: another recipe, model or data file is another run.
    package let key: String

    private var path: String { folder + "/state" }
    private static let version = 2

    package init(output: String, key: String) {
        folder = output + ".partial"
        self.key = key
    }

    package var exists: Bool { access(path, F_OK) == 0 }

    package func save(_ loop: TrainingLoop) throws(DistillationError) {
        guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
            throw .failed("\(folder) cannot be created: \(String(cString: strerror(errno)))")
        }
        let (summary, epoch) = (loop.summary, loop.epochState)
        let blocks = [loop.model.values, loop.optimizer.first, loop.optimizer.second].map { block in
            UnsafeRawBufferPointer(start: block.memory.base, count: block.memory.count * MemoryLayout<Float>.stride)
        }
        let reached: [UInt8] = loop.optimizer.reached.map { $0 ? 1 : 0 }
        let head: [(key: String, value: any JSONWritable)] = [
            ("version", Self.version), ("key", key), ("step", loop.step), ("values", loop.model.values.layout.count),
            ("rows", loop.optimizer.reached.count), ("tokens", summary.tokens),
            ("seconds", summary.seconds), ("loss_bits", String(summary.loss.bitPattern, radix: 16)),
            ("epoch_loss_bits", String(epoch.sum.bitPattern, radix: 16)), ("epoch_steps", epoch.count),
            ("hash", Self.hash(blocks, reached)),
        ]
        do throws(ModelFilesError) {
            removeUnfinished()
            let file = try OutputFile(path)
            try write(Array((JSONText.object(head).json + "\n").utf8), to: file)
            for block in blocks { try file.write(block) }
            try write(reached, to: file)
            try file.publish()
        } catch {
            throw .failed("\(error)")
        }
    }

    private static func hash(_ blocks: [UnsafeRawBufferPointer], _ reached: [UInt8]) -> String {
        var hash: UInt64 = 0
        for block in blocks { hash = contentHash(block, seed: hash) }
        return String(reached.withUnsafeBytes { contentHash($0, seed: hash) }, radix: 16)
    }

    private func write(_ bytes: [UInt8], to file: OutputFile) throws(ModelFilesError) {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(ModelFilesError) in try file.write(bytes) }
        }
        try result.get()
    }

    /// Restores weights, moments and place of a loop that was made as the saved one was.
    package func restore(_ loop: TrainingLoop) throws(DistillationError) {
        let file: MappedFile
        do throws(ModelFilesError) {
            file = try MappedFile(path: path)
        } catch {
            throw .failed("\(error)")
        }
        let bytes = file.bytes
        func damaged(_ reason: String) -> DistillationError {
            .failed("\(path): \(reason); remove \(folder) to start anew")
        }
        guard let end = bytes.prefix(4096).firstIndex(of: UInt8(ascii: "\n")),
            case .object(let head)? = try? JSONValue.parse(Array(bytes[..<end]))
        else { throw damaged("it is no saved run") }
        func integer(_ key: String) -> Int? { if case .integer(let value)? = head[key] { value } else { nil } }
        func text(_ key: String) -> String? { if case .string(let value)? = head[key] { value } else { nil } }
        func double(_ key: String) -> Double? {
            text(key).flatMap { UInt64($0, radix: 16) }.map { Double(bitPattern: $0) }
        }
        guard integer("version") == Self.version else { throw damaged("another version of distill wrote it") }
        guard text("key") == key else {
            throw .failed(
                "\(folder) holds a run with other settings, models or data; finish it with the same command, or remove the "
                    + "folder to start anew"
            )
        }
        let (values, rows) = (loop.model.values.memory.count, loop.optimizer.reached.count)
        let blocks = 3 * values * MemoryLayout<Float>.stride
        guard integer("values") == values, integer("rows") == rows, bytes.count == end + 1 + blocks + rows,
            let step = integer("step"), let tokens = integer("tokens"), let loss = double("loss_bits"),
            let epochLoss = double("epoch_loss_bits"), let epochSteps = integer("epoch_steps")
        else { throw damaged("it is cut off or of another model") }
        let count = blocks / 3
        let saved = (0..<3).map {
            UnsafeRawBufferPointer(rebasing: bytes[end + 1 + $0 * count..<end + 1 + ($0 + 1) * count])
        }
        let reached = Array(bytes.suffix(rows))
        guard text("hash") == Self.hash(saved, reached) else { throw damaged("its contents are damaged") }
        for (block, bytes) in zip([loop.model.values, loop.optimizer.first, loop.optimizer.second], saved) {
            UnsafeMutableRawBufferPointer(start: block.memory.base, count: count).copyMemory(from: bytes)
        }
        var summary = TrainingSummary()
        summary.steps = step
        summary.tokens = tokens
        summary.loss = loss
        if case .number(let seconds)? = head["seconds"] { summary.seconds = seconds }
        if case .integer(let seconds)? = head["seconds"] { summary.seconds = Double(seconds) }
        loop.resume(
            steps: step,
            reached: reached.map { $0 != 0 },
            summary: summary,
            epochLosses: (epochLoss, epochSteps)
        )
        loop.model.refresh()
    }

    /// Removes what was saved.
    package func remove() {
        removeUnfinished()
        unlink(path)
        rmdir(folder)
    }

    /// Removes what a process has left that was killed while it saved.
    private func removeUnfinished() {
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name.hasPrefix("state."), name.hasSuffix(".new") { unlink("\(folder)/\(name)") }
        }
    }
}
