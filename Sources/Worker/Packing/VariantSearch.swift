import DistilBERT
import LinuxSystem
import ModelFiles
import Tasks
import Tensors

/// Finds the form of a variant that keeps enough of fp32: all weights in its format or, where that loses too much, the
/// weights that lose most in bf16.
struct VariantSearch {
    let directory: String
    let variant: String
    let instructionSet: InstructionSet
    let texts: [String]
    let floor: QualityFloor

    struct Found {
        var exceptions: [String: WeightFormat] = [:]
        var report: QualityReport
    }

    /// How many texts tell which weights lose most.
    private static let rankingTexts = 16

    /// - Parameter progress: called again and again, after each text at the least.
    func run(progress: () throws -> Void) throws -> Found {
        let gate = try QualityGate(reference: try model("fp32", [:]), texts: texts, progress: progress)
        var found = Found(report: try gate.measure(try model(variant, [:]), progress: progress))
        let isLast = variant == WeightFormat.bfloat16.rawValue
        guard !floor.accepts(found.report), !isLast else { return try accepted(found) }
        let ranking = try ranked(gate, progress)
        var count = 1
        while !floor.accepts(found.report), found.exceptions.count < ranking.count {
            found.exceptions = Dictionary(uniqueKeysWithValues: ranking.prefix(count).map { ($0, .bfloat16) })
            found.report = try gate.measure(try model(variant, found.exceptions), progress: progress)
            count *= 2
        }
        return try accepted(found)
    }

    /// The weights of the variant's format, first the one that gains most in bf16.
    private func ranked(_ gate: QualityGate, _ progress: () throws -> Void) throws -> [String] {
        let weights = try Model.packer(directory: directory, variant: variant).weights
        var gains: [(name: String, cosine: Double)] = []
        for weight in weights where weight.format.rawValue == variant {
            let trial = try model(variant, [weight.name: .bfloat16])
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

    /// The model in a form of its own, packed into memory.
    private func model(_ variant: String, _ exceptions: [String: WeightFormat]) throws -> Model {
        let file: OwnedDescriptor
        do {
            file = try MemoryFile.create(name: "trial", size: 0)
        } catch {
            throw EngineError.tensors(.resource("no memory to try the variant in: \(error)"))
        }
        let packer = try Model.packer(directory: directory, variant: variant, exceptions: exceptions)
        try packer.write(to: file.rawValue)
        // One thread: the slots are others', who may be serving.
        let team = try ComputeTeam(cpus: [nil], instructionSet: instructionSet)
        return try Model(pack: try PackFile(descriptor: file.rawValue), team: team)
    }

    private func fixed(_ value: Double) -> String {
        let millionths = Int((value * 1_000_000).rounded(.down))
        let digits = String(millionths.magnitude)
        let padded = String(repeating: "0", count: max(0, 7 - digits.count)) + digits
        return "\(millionths < 0 ? "-" : "")\(padded.dropLast(6)).\(padded.suffix(6))"
    }
}
