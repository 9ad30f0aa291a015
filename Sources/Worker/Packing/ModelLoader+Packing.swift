import DistilBERT
package import LinuxSystem
package import Messages
import ModelFiles
import Tasks
import Tensors
import Wire

/// The packer: `modelworker --pack`, a short-lived process that writes one pack into the file that it is handed.
///
/// A variant of less precision than fp32 is compared with fp32 first. What was found goes into the pack, so that every
/// worker that maps it can say what it keeps; a variant that keeps too little is not packed.
extension ModelLoader {
    /// The pack's note that holds an encoded `ModelQuality`.
    static let qualityNote = "quality"

    package func pack(
        _ request: ToWorker.Pack,
        into file: borrowing OwnedDescriptor,
        propose: (_ key: String) throws -> Void,
        progress: () throws -> Void
    ) throws -> Int {
        do {
            let source = try PackSource(directory: request.modelDirectory)
            let packer = try packer(request, source, propose: propose, progress: progress)
            try packer.write(to: file.rawValue)
            try source.requireUnchanged()
            return packer.byteCount
        } catch {
            throw Self.explained(error)
        }
    }

    package func check(_ copy: borrowing OwnedDescriptor, key: String) throws {
        do {
            let pack = try PackFile(descriptor: copy.rawValue, name: "copy of a pack")
            guard pack.key == key else { throw EngineError.pack("the pack has the key \(pack.key), expected \(key)") }
            guard pack.verify() else { throw EngineError.pack("the pack's bytes are not those that were written") }
        } catch {
            throw Self.explained(error)
        }
    }

    /// What packs the folder. Known answers and a variant's quality are worked out when the cache has no such pack.
    private func packer(
        _ request: ToWorker.Pack,
        _ source: PackSource,
        propose: (_ key: String) throws -> Void,
        progress: () throws -> Void
    ) throws -> ModelPacker {
        var plain = try ModelPacker(source, variant: request.variant)
        if request.variant == WeightFormat.float32.rawValue {
            try propose(plain.key)
            try plain.addKnownAnswers()
            return plain
        }
        let texts =
            request.calibrationFile.isEmpty
            ? CalibrationTexts.builtIn : try CalibrationTexts.read(request.calibrationFile)
        let expected = try ExpectedAnswers(folder: request.modelDirectory)
        let key = "\(plain.key)-\(try conditions(request, texts, expected))"
        try propose(key)
        let search = VariantSearch(
            source: source,
            variant: request.variant,
            sets: try Self.instructionSets(),
            texts: texts,
            expected: expected,
            floor: QualityFloor(meanCosine: request.minCosine, agreement: request.minAgreement)
        )
        let found = try search.run(progress: progress)
        return try ModelPacker(
            source,
            variant: request.variant,
            exceptions: found.exceptions,
            proven: true,
            notes: [(Self.qualityNote, ModelQuality(found).encode())],
            key: key
        )
    }

    /// A hash of what a variant was accepted by: other texts, floors or another arithmetic are another pack, so that one
    /// which was copied from a machine whose products round activations is measured again where they do not. The
    /// arithmetic is that of the best set, which is not proved yet; a worker that uses another one looks at the quality.
    private func conditions(
        _ request: ToWorker.Pack,
        _ texts: [String],
        _ expected: ExpectedAnswers?
    ) throws -> String {
        let rounds = try Self.instructionSets()[0].roundsActivations
        var hash = Array("\(request.minCosine) \(request.minAgreement) \(rounds)".utf8).withUnsafeBytes {
            contentHash($0)
        }
        // What the fp32 reference is compared with on the way, so that a changed file is compared again.
        if let expected {
            hash = expected.bytes.withUnsafeBytes { contentHash($0, seed: hash) }
        }
        for text in texts { hash = Array((text + "\n").utf8).withUnsafeBytes { contentHash($0, seed: hash) } }
        return String(hash, radix: 16)
    }
}

extension ModelQuality {
    fileprivate init(_ found: VariantSearch.Found) {
        let report = found.report
        self.init(
            texts: UInt32(clamping: report.texts),
            meanCosine: report.meanCosine,
            leastCosine: report.leastCosine,
            predictions: UInt32(clamping: report.predictions),
            agreement: report.agreement,
            largestScoreChange: report.largestScoreChange,
            exceptions: found.exceptions.keys.sorted(),
            instructionSet: found.instructionSet.rawValue
        )
    }
}
