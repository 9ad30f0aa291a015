import DistilBERT
import LinuxSystem
import ModelFiles
import Tasks
import Tensors

/// Finds the form of a variant that keeps enough of fp32: all weights in its format or, where that loses too much, the
/// weights that lose most in bf16.
struct VariantSearch {
    let source: PackSource
    let variant: String
    /// To be tried in this order.
    let sets: [InstructionSet]
    let texts: [String]
    /// What fp32 has to answer.
    let expected: ExpectedAnswers?
    let floor: QualityFloor

    struct Found {
        var exceptions: [String: WeightFormat] = [:]
        var report: QualityReport
        /// What it was measured with.
        let instructionSet: InstructionSet
    }

    /// How many texts tell which weights lose most.
    private static let rankingTexts = 16
    /// Of packs that nobody keeps.
    private static let trialKey = "trial"

    /// - Parameter progress: called again and again, in proofs and after each text.
    func run(progress: () throws -> Void) throws -> Found {
        // What measures is proven first, for both precisions.
        let reference = try proven("fp32", sets, progress)
        let first = try proven(variant, Array(sets.drop { $0 != reference.instructionSet }), progress)
        _ = try expected?.compare(with: reference.model, progress: progress)
        let gate = try QualityGate(reference: reference.model, texts: texts, progress: progress)
        var found = Found(
            report: try gate.measure(first.model, progress: progress),
            instructionSet: first.instructionSet
        )
        let isLast = variant == WeightFormat.bfloat16.rawValue
        guard !floor.accepts(found.report), !isLast else { return try accepted(found) }
        let ranking = try ranked(gate, found.instructionSet, progress)
        var count = 1
        while !floor.accepts(found.report), found.exceptions.count < ranking.count {
            found.exceptions = Dictionary(uniqueKeysWithValues: ranking.prefix(count).map { ($0, .bfloat16) })
            let trial = try model(found.exceptions, found.instructionSet)
            found.report = try gate.measure(trial, progress: progress)
            count *= 2
        }
        return try accepted(found)
    }

    /// The weights of the variant's format, first the one that gains most in bf16.
    private func ranked(
        _ gate: QualityGate,
        _ set: InstructionSet,
        _ progress: () throws -> Void
    ) throws -> [String] {
        var gains: [(name: String, cosine: Double)] = []
        for weight in try ModelPacker(source, variant: variant, key: Self.trialKey).weights
        where weight.format.rawValue == variant {
            let trial = try model([weight.name: .bfloat16], set)
            let report = try gate.measure(trial, limit: Self.rankingTexts, progress: progress)
            gains.append((weight.name, report.meanCosine))
        }
        return gains.sorted { ($1.cosine, $0.name) < ($0.cosine, $1.name) }.map(\.name)
    }

    private func accepted(_ found: Found) throws -> Found {
        guard floor.accepts(found.report) else {
            var message =
                "\(variant) keeps too little of fp32 on \(found.report.texts) texts: mean cosine "
                + "\(fixed(found.report.meanCosine)) (quality.min_cosine \(fixed(floor.meanCosine)))"
            if found.report.predictions > 0 {
                message +=
                    ", the same prediction for \(fixed(found.report.agreement)) of them (quality.min_agreement "
                    + "\(fixed(floor.agreement)))"
            }
            if !found.exceptions.isEmpty { message += ", even with \(found.exceptions.count) weights in bf16" }
            message += "; serve another variant, or lower these floors in the model's config.yaml"
            throw EngineError.input(message)
        }
        return found
    }

    /// The model in a precision, with the first of `sets` that computes it as the checkpoint says. One thread: the slots
    /// are others', who may be serving.
    private func proven(
        _ variant: String,
        _ sets: [InstructionSet],
        _ progress: () throws -> Void
    ) throws -> ProvenModel {
        let pack = try self.pack(variant, [:], proven: true)
        return try ProvenModel(pack, threads: 1, sets: sets, extent: .full, progress: progress)
    }

    /// The variant with exceptions.
    private func model(_ exceptions: [String: WeightFormat], _ set: InstructionSet) throws -> Model {
        let team = try ComputeTeam(cpus: [nil], instructionSet: set)
        return try Model(pack: try pack(variant, exceptions, proven: false), team: team)
    }

    /// The model in a form of its own, packed into memory.
    private func pack(_ variant: String, _ exceptions: [String: WeightFormat], proven: Bool) throws -> PackFile {
        let file: OwnedDescriptor
        do {
            file = try MemoryFile.create(name: "trial", size: 0)
        } catch {
            throw EngineError.tensors(.resource("no memory to try the variant in: \(error)"))
        }
        try ModelPacker(source, variant: variant, exceptions: exceptions, proven: proven, key: Self.trialKey)
            .write(to: file.rawValue)
        return try PackFile(descriptor: file.rawValue)
    }

    private func fixed(_ value: Double) -> String {
        let millionths = Int((value * 1_000_000).rounded(.down))
        let digits = String(millionths.magnitude)
        let padded = String(repeating: "0", count: max(0, 7 - digits.count)) + digits
        return "\(millionths < 0 ? "-" : "")\(padded.dropLast(6)).\(padded.suffix(6))"
    }
}
