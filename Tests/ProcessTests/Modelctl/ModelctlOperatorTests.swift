import Foundation
import LinuxSystem
import TestSupport
import Testing

/// `modelctl status|watch|reload|bench` against a real server, and all of them without one.
@Suite(.timeLimit(.minutes(10))) struct ModelctlOperatorTests {
    @Test func statusHasTheAgreedMembers() throws {
        let server = try ModelServer.ready()
        let run = try server.modelctl("status", "--json")
        #expect(run.lines.count == 1)
        let status = try #require(try run.json.first as? [String: Any])
        #expect(Set(status.keys) == ["state", "models"])
        let models = try #require(status["models"] as? [[String: Any]])
        #expect(models.compactMap { $0["name"] as? String } == ["encoder", "sentiment"])
        for model in models {
            #expect(Set(model.keys) == ["name", "version", "variant", "state", "reason", "workers"])
            #expect(model["state"] as? String == "READY")
            #expect(model["version"] as? Int == 1)
            let workers = try #require(model["workers"] as? [[String: Any]])
            #expect(!workers.isEmpty)
            for worker in workers {
                let members = ["pid", "slot", "numa_node", "cpus", "state", "restarts", "rss_bytes", "pss_bytes"]
                #expect(Set(worker.keys) == Set(members))
                #expect((worker["pid"] as? Int32).map(isAlive) == true)
                #expect((worker["rss_bytes"] as? Int ?? 0) > 100_000)
            }
        }
        let more = try #require(try server.modelctl("status", "--json", "-v").json.first as? [String: Any])
        #expect((more["models"] as? [[String: Any]])?.first?["generation"] as? Int == 1)
        let table = try server.modelctl("status").output
        #expect(table.hasPrefix("modeld "))
        #expect(table.contains("encoder    1:fp32   READY "))
        #expect(table.contains("sentiment@1:fp32"))
        #expect(try server.modelctl("status", "-v").output.contains("DistilBertForSequenceClassification"))
    }

    @Test func aReloadSaysWhatBecameOfIt() throws {
        let server = try ModelServer.ready()
        let reloaded = try server.modelctl("reload", "encoder")
        #expect(reloaded.exit.isSuccess, "\(reloaded.errors)")
        #expect(reloaded.output == "encoder@1:fp32: generation 1 → 2\n")
        let all = try server.modelctl("reload", "--json")
        let outcomes = try #require(try all.json.first as? [[String: Any]])
        #expect(outcomes.compactMap { $0["old_generation"] as? Int } == [2, 1])
        #expect(outcomes.compactMap { $0["generation"] as? Int } == [3, 2])

        let config = "\(server.repository)/encoder/1/config.json"
        try Data("{\"model_type\":\"bart\",\"architectures\":[\"BartModel\"]}".utf8).write(
            to: URL(fileURLWithPath: config)
        )
        let refused = try server.modelctl("reload", "encoder")
        #expect(refused.exit == .exited(1))
        #expect(refused.output.isEmpty)
        #expect(refused.errors.contains("encoder@1:fp32 was not reloaded, generation 3 serves on: "))
        #expect(refused.errors.contains("bart"), "it says why")
        #expect(refused.errors.split(separator: "\n").count == 1)
        #expect(try server.modelctl("embed", "encoder", "a", "--json").exit.isSuccess, "the old generation serves")
        #expect(try server.modelctl("status").output.contains("bart"), "the status says why, too")
        #expect(try server.modelctl("reload", "nope").exit == .exited(1))
    }

    @Test func watchGoesOnUntilItIsEnded() throws {
        let server = try ModelServer.ready()
        let output = try OwnedDescriptor.pipe()
        var process = try server.start(
            ["watch", "--json", "--interval", "100ms"],
            descriptors: [1: output.writing.rawValue]
        )
        var lines = PipeLines(output.reading)
        for _ in 0..<3 { #expect(try lines.next().hasPrefix("{\"state\":\"READY\",\"models\":[")) }
        _ = try process.signal(.interrupt)
        #expect(try process.exit(within: 20) == .killed(.interrupt, coreDumped: false))
    }

    @Test func benchReports() throws {
        let server = try ModelServer.ready()
        let run = try server.modelctl("bench", "encoder", "--connections", "3", "--duration", "500ms", "--json")
        #expect(run.exit.isSuccess, "\(run.errors)")
        let report = try #require(try run.json.last as? [String: Any])
        func number(_ key: String) throws -> Double { try #require(report[key] as? Double, "\(key)") }
        #expect(try number("requests") > 0)
        #expect(try number("errors") == 0)
        #expect(try number("requests_per_second") > 0)
        #expect(try number("tokens_per_second") > number("requests_per_second"))
        #expect(try number("p50_ms") > 0)
        #expect(try number("p50_ms") <= number("p90_ms"))
        #expect(try number("p90_ms") <= number("p99_ms"))
        #expect(try number("engine_p50_ms") <= number("p50_ms"))
        #expect(report["task"] as? String == "embed")

        // The server counted the same requests, and one more a connection to warm up.
        let status = try #require(try server.modelctl("status", "--json", "-v").json.first as? [String: Any])
        let model = try #require((status["models"] as? [[String: Any]])?.first)
        #expect(try model["requests"] as? Double == number("requests") + 3)

        let people = try server.modelctl("bench", "sentiment", "--duration", "100ms", "--text", "a b")
        #expect(people.output.hasPrefix("classify with sentiment: 8 connections"))
        #expect(people.output.contains("requests/s"))
        let refused = try server.modelctl("bench", "encoder", "--task", "classify", "--duration", "1h")
        #expect(refused.exit == .exited(1), "what can never succeed is not measured")
        #expect(refused.errors.split(separator: "\n").count == 1)
    }

    @Test func anInterruptedBenchReportsWhatItMeasured() throws {
        let server = try ModelServer.ready()
        let output = try OwnedDescriptor.pipe()
        var process = try server.start(
            ["bench", "encoder", "--duration", "1h", "--json"],
            descriptors: [1: output.writing.rawValue]
        )
        try server.waitUntil("the bench runs") { _ in
            guard let status = try? server.modelctl("status", "--json", "-v").json.first as? [String: Any],
                let model = (status["models"] as? [[String: Any]])?.first
            else { return false }
            // Beyond warming up, so that Ctrl-C is waited for.
            return (model["requests"] as? Int ?? 0) > 50
        }
        _ = try process.signal(.interrupt)
        #expect(try process.exit(within: 30).isSuccess)
        var lines = PipeLines(output.reading)
        let report = try JSONSerialization.jsonObject(with: Data(try lines.next().utf8)) as? [String: Any]
        #expect((report?["requests"] as? Int ?? 0) > 0)
        #expect(report?["errors"] as? Int == 0, "what was cut off is no error")
    }

    @Test(arguments: [
        ["status"], ["watch"], ["reload"], ["embed", "m", "text"], ["tokenize", "m", "text", "--json"],
        ["bench", "m", "--duration", "1h"],
    ])
    func withoutAServerItSaysWhatToDo(arguments: [String]) throws {
        let temporary = try TemporaryFolder()
        let folder = temporary.path
        let run = try ModelServer.modelctl(arguments + ["--socket", "\(folder)/none"], socket: nil, folder: folder)
        #expect(run.exit == .exited(69))
        #expect(run.output.isEmpty)
        #expect(run.errors.hasPrefix("modelctl: cannot reach modeld: cannot connect to '\(folder)/none': No such file"))
        #expect(run.errors.contains("modeld --model-repository DIR --socket \(folder)/none"))
        #expect(run.errors.split(separator: "\n").count == 1)
    }
}
