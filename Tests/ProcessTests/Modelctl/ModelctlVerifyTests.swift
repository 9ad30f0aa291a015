import Foundation
import Glibc
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// `modelctl bench --verify` against real workers: under load, each answer is the one that the same text had alone.
@Suite(.timeLimit(.minutes(3))) struct ModelctlVerifyTests {
    /// A bench that runs until it is interrupted.
    private final class Load {
        private let server: ModelServer
        private let model: String
        private var process: ChildProcess
        private var lines: PipeLines

        /// Starts it and waits until its answers are compared.
        init(_ model: String, on server: ModelServer) throws {
            let output = try OwnedDescriptor.pipe()
            self.server = server
            self.model = model
            process = try server.start(
                ["bench", model, "--duration", "1h", "--verify", "--json"],
                descriptors: [1: output.writing.rawValue]
            )
            lines = PipeLines(output.reading)
            try waitForAnswers()
        }

        /// Waits until many more requests were answered than warming up and the quiet answers take, and than are in flight.
        func waitForAnswers() throws {
            let begin = try requests()
            try server.waitUntil("\(model) answers more requests") { _ in
                (try? requests()).map { $0 >= begin + 100 } ?? false
            }
        }

        private func requests() throws -> Int {
            try #require(try server.model(model)["requests"] as? Int)
        }

        /// Interrupts it.
        func end() throws -> (exit: LinuxSystem.ExitStatus, report: [String: Any]) {
            _ = try process.signal(.interrupt)
            let report = try JSONSerialization.jsonObject(with: Data(try lines.next().utf8))
            return (try process.exit(within: 30), try #require(report as? [String: Any]))
        }
    }

    @Test(arguments: ["encoder", "sentiment"])
    func eachAnswerIsTheQuietOneWhileWorkersDieAndGenerationsChange(model: String) throws {
        let server = try ModelServer.ready()
        let load = try Load(model, on: server)
        for round in 1...3 {
            let workers = try server.readyWorkers(model)
            for worker in workers { #expect(kill(Int32(worker), SIGKILL) == 0) }
            try server.waitUntil("\(model) has other workers") { _ in
                guard let others = try? server.readyWorkers(model) else { return false }
                return others.count == workers.count && Set(others).isDisjoint(with: workers)
            }
            try load.waitForAnswers()
            let reload = try server.modelctl("reload", model)
            #expect(reload.output == "\(model)@1:fp32: generation \(round) → \(round + 1)\n", "\(reload.errors)")
            try load.waitForAnswers()
        }
        let (exit, report) = try load.end()
        #expect(exit.isSuccess)
        #expect(report["errors"] as? Int == 0)
        #expect(report["mismatches"] as? Int == 0)
        #expect(report["first_mismatch"] is NSNull)
        #expect(try #require(report["requests"] as? Int) >= 600)
    }

    @Test(arguments: ["encoder", "sentiment"]) func anAnswerThatDiffersIsCountedAndShown(model: String) throws {
        let server = try ModelServer.ready()
        let load = try Load(model, on: server)
        // Other weights under the same name: answers that are right, and not the quiet ones.
        var other = try #require(ModelServer.standardModels["\(model)/1"])
        other.seed += 1
        try other.write(to: "\(server.repository)/\(model)/1")
        #expect(try server.modelctl("reload", model).exit.isSuccess)
        try load.waitForAnswers()
        let (exit, report) = try load.end()
        #expect(exit == .exited(1))
        #expect(report["errors"] as? Int == 0)
        let (mismatches, requests) = (report["mismatches"] as? Int ?? 0, report["requests"] as? Int ?? 0)
        #expect(mismatches >= 90 && mismatches < requests, "\(mismatches) of \(requests)")
        let first = try #require(report["first_mismatch"] as? String)
        #expect(first.contains("\": ") && first.contains(", was "), "\(first)")
    }

    @Test func peopleAreToldToo() throws {
        let server = try ModelServer.ready()
        let verified = try server.modelctl("bench", "encoder", "--duration", "300ms", "--verify", "--text", "a")
        #expect(verified.exit.isSuccess, "\(verified.errors)")
        #expect(verified.output.contains("verified    each answer is the quiet one, bit for bit\n"))
        let unverified = try server.modelctl("bench", "encoder", "--duration", "300ms", "--text", "a", "--json")
        #expect(unverified.exit.isSuccess, "\(unverified.errors)")
        #expect((try unverified.json.last as? [String: Any])?["mismatches"] is NSNull, "not compared is not equal")
    }
}

extension ModelServer {
    /// What `modelctl status --json -v` says of a model.
    func model(_ name: String) throws -> [String: Any] {
        let run = try modelctl("status", "--json", "-v")
        let status = try #require(try run.json.first as? [String: Any])
        let models = try #require(status["models"] as? [[String: Any]])
        return try #require(models.first { $0["name"] as? String == name })
    }

    /// The processes of a model's workers that serve.
    func readyWorkers(_ name: String) throws -> [Int] {
        let workers = try #require(try model(name)["workers"] as? [[String: Any]])
        return workers.filter { $0["state"] as? String == "READY" }.compactMap { $0["pid"] as? Int }
    }
}
