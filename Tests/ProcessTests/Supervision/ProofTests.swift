import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// Workers with a fault planted in their kernels or their packer: none of them answers wrongly and says READY.
///
/// One after the other: plain C takes the CPU for seconds, on which tests of time would wait.
@Suite(.timeLimit(.minutes(5)), .serialized) struct ProofTests {
    /// A BERT whose Q and K differ enough to matter, of a size that leaves rests in panels, strips and vectors.
    private static var model: SeededCheckpoint {
        var checkpoint = SeededCheckpoint(family: .bert, hidden: 100, layers: 2, heads: 4, intermediate: 420)
        checkpoint.labels = 3
        return checkpoint
    }

    private struct Status {
        let state, reason, instructionSet: String
        let failedProofs: [String]
        let quality: [String: Any]?

        init(_ server: ModelServer, variant: String) throws {
            let status = try #require(try server.modelctl("status", "--json", "-v").json.first as? [String: Any])
            let models = try #require(status["models"] as? [[String: Any]])
            let model = try #require(models.first { $0["variant"] as? String == variant })
            state = model["state"] as? String ?? ""
            reason = model["reason"] as? String ?? ""
            instructionSet = model["instruction_set"] as? String ?? ""
            failedProofs = model["failed_proofs"] as? [String] ?? []
            quality = model["quality"] as? [String: Any]
        }
    }

    /// Serves the model in a variant and waits until it is ready or refused.
    private func serve(
        _ variant: String,
        fault: String?,
        _ extra: [String: String] = [:],
        cache: String? = nil
    ) throws -> ModelServer {
        // Empty: none is forced, whatever these tests run with.
        var environment = ["DISTILLERY_ISA": ""].merging(extra) { $1 }
        environment["DISTILLERY_FAULT"] = fault
        let server = try ModelServer(
            models: ["m/1": Self.model],
            cache: cache,
            worker: "faultyworker",
            configurations: ["m": "variants: [\(variant)]\nquality: { min_cosine: 0.5, min_agreement: 0.1 }\n"],
            extra: environment
        )
        try server.waitUntil("the model is ready or refused") {
            $0.contains("\"state\":\"READY\",\"models\"") || $0.contains("\"state\":\"UNAVAILABLE\"")
        }
        return server
    }

    /// The scores of each variant where nothing is planted.
    private static let right = Result {
        let tests = ProofTests()
        let server = try tests.serve("fp32, bf16, int8", fault: nil)
        return try Dictionary(
            uniqueKeysWithValues: ["fp32", "bf16", "int8"].map { ($0, try tests.scores(server, "m:\($0)")) }
        )
    }

    private func scores(_ server: ModelServer, _ model: String = "m") throws -> [Double] {
        let run = try server.modelctl("classify", model, "an ordinary text of some words", "--top-k", "all", "--json")
        let labels = try #require(try run.json.first as? [[String: Any]], "\(run.output)\(run.errors)")
        return labels.compactMap { $0["score"] as? Double }
    }

    /// A fault of every set but plain C: it is named, and plain C serves instead, rightly.
    @Test(arguments: [
        ("product", "fp32"), ("product-remainder", "fp32"), ("product-block", "fp32"), ("attention", "fp32"),
        ("gelu", "fp32"), ("norm", "fp32"), ("embedding", "fp32"), ("product", "bf16"), ("quantisation", "int8"),
        ("gelu", "int8"),
    ])
    func aFaultOfTheKernelsIsNamedAndTheNextSetServes(_ fault: String, _ variant: String) throws {
        let server = try serve(variant, fault: fault)
        let status = try Status(server, variant: variant)
        #expect(status.state == "READY", "\(status.reason)")
        #expect(status.instructionSet == "plain")
        #expect(!status.failedProofs.isEmpty)
        let answered = try scores(server)
        let right = try #require(try Self.right.get()[variant])
        #expect(answered.count == 3 && right.count == 3)
        for (score, expected) in zip(answered, right) { #expect(abs(score - expected) < 0.02) }
        if let quality = status.quality { #expect(quality["instruction_set"] as? String == "plain") }
    }

    @Test func aFaultOfTheBestSetLeavesTheNextOne() throws {
        let healthy = try Status(try serve("fp32", fault: nil), variant: "fp32")
        #expect(healthy.failedProofs.isEmpty)
        let best = healthy.instructionSet
        try #require(best != "plain", "this CPU has no set to plant a fault in")
        let server = try serve("fp32", fault: "attention@\(best)")
        let status = try Status(server, variant: "fp32")
        #expect(status.state == "READY" && status.instructionSet != best)
        #expect(status.failedProofs.count == 1 && status.failedProofs.first?.contains("\(best)'s attention") == true)
        #expect(try server.modelctl("status", "-v").output.contains("not used, as it computes wrongly here: \(best)"))
    }

    /// A pack that was measured where the best set fails is measured again where it does not, and the other way round.
    @Test(.enabled(if: hasRoundingSet)) func aQualityHoldsForTheArithmeticThatMeasuredItAlone() throws {
        let folder = try TemporaryFolder()
        var packs: Set<String> = []
        let faulty = ("product@avx512bf16" as String?, "avx512vnni")
        for (fault, set) in [faulty, (nil, "avx512bf16"), faulty] {
            let server = try serve("bf16", fault: fault, cache: folder.path)
            let status = try Status(server, variant: "bf16")
            #expect(status.state == "READY" && status.instructionSet == set, "\(status.reason)")
            #expect(status.quality?["instruction_set"] as? String == set)
            packs.formUnion(try FileManager.default.contentsOfDirectory(atPath: folder.path))
        }
        #expect(packs.count == 1, "all of them have the same key: \(packs)")
    }

    /// Whether this CPU has a set that rounds activations, beside others that do not.
    private static var hasRoundingSet: Bool {
        (try? FileContents.readText("/proc/cpuinfo"))?.contains("avx512_bf16") == true
    }

    @Test func aForcedSetNeverFallsBack() throws {
        let best = try Status(try serve("fp32", fault: nil), variant: "fp32").instructionSet
        try #require(best != "plain", "this CPU has no set to plant a fault in")
        let server = try serve("fp32", fault: "gelu", ["DISTILLERY_ISA": best])
        let status = try Status(server, variant: "fp32")
        #expect(status.state == "UNAVAILABLE")
        #expect(status.reason.contains("does not compute what its checkpoint says: \(best)'s fp32 product"))
        let refused = try server.modelctl("classify", "m", "a text", "--json")
        #expect(refused.exit == .exited(1) && refused.output.contains("UNAVAILABLE"))
    }

    /// No kernels help when the pack is wrong.
    @Test(arguments: ["pack-weight", "pack-qk"], ["fp32", "bf16", "int8"])
    func aFaultOfThePackerMakesTheModelUnavailable(_ fault: String, _ variant: String) throws {
        let status = try Status(try serve(variant, fault: fault), variant: variant)
        #expect(status.state == "UNAVAILABLE")
        #expect(status.reason.contains("plain: output "), "\(status.reason)")
    }

    @Test func theOldGenerationServesOnWhenTheNewOneComputesWrongly() throws {
        let folder = try TemporaryFolder()
        // The fault is read from a file, which a packer may not do elsewhere.
        let environment = ["DISTILLERY_FAULT_FILE": "\(folder.path)/fault", "MODELD_WORKER_SANDBOX": "off"]
        let server = try serve("fp32", fault: nil, environment)
        let before = try scores(server)
        // Another checkpoint, and from now on a packer with a fault.
        var other = Self.model
        other.seed += 1
        try other.write(to: "\(server.repository)/m/1")
        try Data("pack-weight".utf8).write(to: URL(fileURLWithPath: "\(folder.path)/fault"))
        let reload = try server.modelctl("reload", "m")
        #expect(reload.exit == .exited(1))
        #expect(reload.errors.contains("does not compute what its checkpoint says"), "\(reload.errors)")
        #expect(try scores(server) == before)
    }
}
