import Glibc
import ModelFiles
import Tensors
import Training

/// A run on the disk: what is needed to go on with it as if it had not been interrupted.
///
/// Its file (`SavedRun`) appears whole or not at all; the one before stays until then.
package struct RunState {
    /// The folder beside the output that holds it.
    package let folder: String
    /// What the run is of: another recipe, model or data file is another run.
    package let key: String

    private var path: String { folder + "/state" }

    package init(output: String, key: String) {
        folder = output + ".partial"
        self.key = key
    }

    package var exists: Bool { access(path, F_OK) == 0 }

    package func save(_ loop: TrainingLoop) throws(DistillationError) {
        guard mkdir(folder, 0o777) == 0 || errno == EEXIST else {
            throw .failed("\(folder) cannot be created: \(String(cString: strerror(errno)))")
        }
        var place = SavedRun.Place()
        (place.step, place.tokens) = (loop.step, loop.summary.tokens)
        (place.seconds, place.loss) = (loop.summary.seconds, loop.summary.loss)
        (place.epochLoss, place.epochSteps) = loop.epochState
        let blocks = Self.blocks(loop).map { UnsafeRawBufferPointer($0) }
        let reached: [UInt8] = loop.optimizer.reached.map { $0 ? 1 : 0 }
        let lines = reached.withUnsafeBytes { SavedRun.lines(place, key: key, blocks: blocks, reached: $0) }
        do throws(ModelFilesError) {
            removeUnfinished()
            let file = try OutputFile(path)
            try write(lines, to: file)
            for block in blocks { try file.write(block) }
            try write(reached, to: file)
            try file.publish()
        } catch {
            throw .failed("\(error)")
        }
    }

    /// Weights, first and second moments.
    private static func blocks(_ loop: TrainingLoop) -> [UnsafeMutableRawBufferPointer] {
        [loop.model.values, loop.optimizer.first, loop.optimizer.second].map { block in
            let count = block.memory.count * MemoryLayout<Float>.stride
            return UnsafeMutableRawBufferPointer(start: block.memory.base, count: count)
        }
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
        func damaged(_ reason: String) -> DistillationError {
            .failed("\(path): \(reason); remove \(folder) to start anew")
        }
        let saved: SavedRun
        do throws(SavedRun.Fault) {
            saved = try SavedRun(file.bytes, key: key)
        } catch .damaged(let reason) {
            throw damaged(reason)
        } catch {
            throw .failed(
                "\(folder) holds a run with other settings, models or data; finish it with the same command, or remove the "
                    + "folder to start anew"
            )
        }
        let blocks = Self.blocks(loop)
        guard zip(saved.blocks, blocks).allSatisfy({ $0.count == $1.count }),
            saved.reached.count == loop.optimizer.reached.count
        else { throw damaged("it is cut off or of another model") }
        for (block, bytes) in zip(blocks, saved.blocks) { block.copyMemory(from: bytes) }
        var summary = TrainingSummary()
        (summary.steps, summary.tokens) = (saved.place.step, saved.place.tokens)
        (summary.seconds, summary.loss) = (saved.place.seconds, saved.place.loss)
        loop.resume(
            steps: saved.place.step,
            reached: saved.reached.map { $0 != 0 },
            summary: summary,
            epochLosses: (saved.place.epochLoss, saved.place.epochSteps)
        )
        loop.model.refresh()
        withExtendedLifetime(file) {}
    }

    /// Removes what was saved.
    package func remove() {
        removeUnfinished()
        unlink(path)
        rmdir(folder)
    }

    /// Removes what a process has left that was killed while it saved.
    private func removeUnfinished() {
        for name in fileNames(in: folder) where name.hasPrefix("state.") && name.hasSuffix(".new") {
            unlink("\(folder)/\(name)")
        }
    }
}
