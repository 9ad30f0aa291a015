import Configuration
import Messages
import Supervisor
import Testing

@Suite struct MetricsTests {
    @Test func whatHappensIsCountedPerModel() {
        var counters = Counters()
        for number: UInt64 in 1...3 { counters.note(.serving(model: "a@2:int8", generation: number, isAgain: false)) }
        counters.note(.serving(model: "a@2:int8", generation: 3, isAgain: true))
        counters.note(.unavailable(model: "b@1:fp32", "why"))
        counters.note(.clientDoesNotRead(Caller(user: 7, process: 17)))
        let lines = counters.text(StatusResponse()).split(separator: "\n")
        let (a, b) = (#"{model="a",version="2",variant="int8"}"#, #"{model="b",version="1",variant="fp32"}"#)
        for line in [
            "# TYPE modeld_model_loads_total counter", "modeld_model_loads_total\(a) 3",
            "modeld_model_loads_total\(b) 0",
            "modeld_model_outages_total\(b) 1", "modeld_dropped_clients_total 1",
        ] {
            #expect(lines.contains { $0 == line }, "\(line) is not there")
        }
    }

    /// By what was wrong and the status, and never by a name that a client has made up.
    @Test func whatIsTurnedAwayIsCounted() throws {
        let world = CoreWorld.serving()
        let client = try #require(world.clients.keys.first)
        for name in ["made-up-1", "made-up-2", "a@9", "not a name"] {
            _ = world.call(client, CoreHistoryTests.embed, model: name)
        }
        _ = world.call(client, "no such method")
        world.tell(.malformed(client, Refusal(.invalidArgument, "no frame"), stream: 0))
        let text = world.core.metrics
        for (what, status, count) in [
            ("model", "NOT_FOUND", 3), ("model", "INVALID_ARGUMENT", 1), ("method", "UNIMPLEMENTED", 1),
            ("frame", "INVALID_ARGUMENT", 1),
        ] {
            #expect(text.contains("modeld_refusals_total{what=\"\(what)\",status=\"\(status)\"} \(count)\n"), "\(what)")
        }
        #expect(!text.contains("made-up"))
    }

    @Test func whatIsShedIsCountedByItsReason() throws {
        let world = CoreWorld.serving()
        let client = try #require(world.clients.keys.first)
        let bytes = world.core.configuration.memoryBudget / 7
        for _ in 1...3 { _ = world.call(client, CoreHistoryTests.embed, model: "a", bytes: bytes) }
        let labels = "model=\"a\",version=\"1\",variant=\"fp32\",reason"
        let lines = world.core.metrics.split(separator: "\n").filter { $0.hasPrefix("modeld_shed_requests_total{") }
        #expect(lines == ["modeld_shed_requests_total{\(labels)=\"bytes\"} 2"])
        #expect(world.answer?.shed == .bytes && world.answer?.reason?.contains("memory_budget") == true)
    }

    @Test func deathsAreCountedByTheirCause() throws {
        var counters = Counters()
        var process = try #require(CoreWorld.serving().worker)
        process.model = "a@1:fp32"
        for end in ["exit 3", "killed by SIGSEGV", "killed by SIGKILL", "out of memory, killed by SIGKILL"] {
            counters.note(
                .workerEnded(process, WorkerEnd(end: end, cause: end, isExpected: false, peak: 0, batches: []))
            )
        }
        let labels = "model=\"a\",version=\"1\",variant=\"fp32\",cause"
        let lines = counters.text(StatusResponse()).split(separator: "\n")
            .filter { $0.hasPrefix("modeld_worker_restarts_total{") }
        let counts = [("exit", 1), ("signal", 2), ("out_of_memory", 1)]
        #expect(lines.map(String.init) == counts.map { "modeld_worker_restarts_total{\(labels)=\"\($0)\"} \($1)" })
    }

    @Test(
        arguments: [
            ("GET /metrics HTTP/1.1\r\nHost: other.example\r\n\r\n", MetricsPage.Request.metrics),
            ("GET /metrics?name=x HTTP/1.0\n\n", .metrics),
            ("GET / HTTP/1.1\r\n\r\n", .refused(404)),
            ("GET /metricsx HTTP/1.1\r\n\r\n", .refused(404)),
            ("POST /metrics HTTP/1.1\r\n\r\n", .refused(405)),
            ("HEAD /metrics HTTP/1.1\r\n\r\n", .refused(405)),
            ("GET /metrics\r\n\r\n", .refused(400)),
            ("GET /metrics SPDY/3\r\n\r\n", .refused(400)),
            ("\r\n\r\n", .refused(400)),
            ("GET /metrics HTTP/1.1\r\nHost: x\r\n", nil),
            (String(repeating: "x", count: 8191), nil),
            (String(repeating: "x", count: 8192), .refused(431)),
        ] as [(String, MetricsPage.Request?)]
    )
    func onlyMetricsAreShown(head: String, request: MetricsPage.Request?) {
        #expect(MetricsPage.request(Array(head.utf8)) == request)
    }

    @Test func bucketsAreCumulative() throws {
        let world = CoreWorld.serving()
        let text = world.core.metrics.split(separator: "\n")
        func values(_ suffix: String) throws -> [Double] {
            let lines = text.filter { $0.hasPrefix("modeld_request_duration_seconds_\(suffix){model=\"a\"") }
            return try lines.map { try #require(Double($0.split(separator: " ")[1])) }
        }
        let (buckets, count, sum) = try (values("bucket"), values("count"), values("sum"))
        #expect(buckets.count == 13 && buckets == buckets.sorted())
        #expect(buckets.last == 1 && count == [1] && sum.count == 1)
        #expect(text.contains { $0.contains("le=\"0.001\"") } && text.contains { $0.contains("le=\"+Inf\"") })
        let status = try #require(world.core.status().models.first)
        let labels = "model=\"\(status.name)\",version=\"1\",variant=\"fp32\""
        #expect(text.contains { $0 == "modeld_model_ready{\(labels)} 1" })
        #expect(text.contains { $0 == "modeld_workers{\(labels),state=\"READY\"} \(status.workers.count)" })
        #expect(text.contains { $0 == "modeld_inference_pending_requests{\(labels),state=\"queued\"} 0" })
    }

    @Test func whatPrometheusReadsIsEscaped() {
        var text = PrometheusText()
        text.begin("x", "gauge", "a \\ and\na \"b\"")
        text.sample([("l", "a \"b\"\r\n\\"), ("m", "é")], "1")
        text.sample([], "2", suffix: "_sum")
        #expect(
            text.lines == """
                # HELP modeld_x a \\\\ and\\na "b"
                # TYPE modeld_x gauge
                modeld_x{l="a \\"b\\"\r\\n\\\\",m="é"} 1
                modeld_x_sum 2

                """
        )
    }
}
