import CoreMetrics
import InMemoryTracing
import MetricsTestKit
import ModelClient
import ModelClientTesting
import Tracing

/// The program's spans and metrics, in memory; another program has them collected.
struct Observed {
    let tracer = InMemoryTracer(idGenerator: .w3c)
    let metrics = TestMetrics()

    /// Once per program, before its first call.
    init() {
        InstrumentationSystem.bootstrap(MultiplexInstrument([tracer, TraceContext()]))
        MetricsSystem.bootstrap(metrics)
    }

    /// What calls of every kind tell, and what they send to the server.
    func observeCalls() async throws {
        try await withFakeModelServer { server in
            server.onClassify("sentiment") { _ in .label("POSITIVE") }
            try await withModelClient(at: server.socketPath) { client in
                try await observeOneCall(client, server)
                try await observeManyCalls(client)
                try await observeTrouble(client, server)
            }
        }
        var configuration = ModelClient.Configuration()
        configuration.waitsForConnection = false
        try await withModelClient(at: "/nobody/listens/here", configuration: configuration) { client in
            _ = try? await client.status()
        }
        try expect(connections("opened") == 2, "there were \(connections("opened")) connections, one of them lost")
        try expect(connections("failed") >= 1, "no failed attempt to connect was counted")
        tracer.clearFinishedSpans()
        print("spans, traceparents and metrics are as documented")
    }

    private func observeOneCall(_ client: ModelClient, _ server: FakeModelServer) async throws {
        let parent = try await withSpan("a page of the app") { span in
            _ = try await client.classify("I love it", model: "sentiment@2")
            return span.context.inMemorySpanContext
        }
        let span = try span(named: "inference.v1.Inference/Classify")
        let known: [String: SpanAttribute] = [
            "rpc.system": "distillery", "rpc.service": "inference.v1.Inference", "rpc.method": "Classify",
            "rpc.grpc.status_code": 0, "network.transport": "unix", "server.address": .string(server.socketPath),
            "distillery.model": "sentiment@2", "distillery.answered_by": "sentiment@2:fp32",
            "distillery.request_id": "fake-1",
        ]
        for (name, value) in known {
            try expect(span.attributes.get(name) == value, "\(name) is \(span.attributes.get(name) ?? "not there")")
        }
        try expect(span.attributes.count == known.count, "there are other attributes than the documented ones")
        try expect(span.kind == .client && span.errors.isEmpty && span.status == nil, "the span is \(span)")
        try expect(span.parentSpanID == parent?.spanID && span.traceID == parent?.traceID, "the parent is another")
        let sent = server.requests.last?.traceparent
        try expect(sent == "00-\(span.traceID)-\(span.spanID)-01", "the server was told of \(sent ?? "nothing")")

        let own = RequestMetadata(requestID: "order-17", traceparent: "00-own")
        _ = try await client.classify("a", model: "sentiment", options: ClassifyOptions(metadata: own))
        try expect(server.requests.last?.traceparent == "00-own", "the caller's traceparent was replaced")
        let named = try self.span(named: "inference.v1.Inference/Classify")
        try expect(named.attributes.get("distillery.request_id") == "order-17", "the caller's name of it is lost")
        try expect(calls("sentiment@2", "Classify", "OK") == (1, 1), "the metrics of one call")
        try expect(calls("sentiment", "Classify", "OK") == (1, 1), "the metrics of another one")
    }

    /// A batch, whose inputs are calls of their own, and a watch, which is one call until the loop is left.
    private func observeManyCalls(_ client: ModelClient) async throws {
        let parent = try await withSpan("a list") { span in
            let batch = client.batch(["a", "b", "c"]) { try await $0.classify($1, model: "batched") }
            try expect(await batch.results().allSatisfy { (try? $0.get()) == nil }, "there is no such model")
            return span.context.inMemorySpanContext?.spanID
        }
        let spans = tracer.popFinishedSpans().filter { $0.kind == .client }
        try expect(spans.count == 3 && spans.allSatisfy { $0.parentSpanID == parent }, "the batch's spans: \(spans)")
        try expect(calls("batched", "Classify", "NOT_FOUND") == (3, 3), "the metrics of a batch")

        for try await _ in client.watch(interval: .milliseconds(1)) { break }
        let watch = try span(named: "control.v1.Control/Watch")
        try expect(watch.attributes.get("rpc.grpc.status_code") == 0 && watch.errors.isEmpty, "the watch: \(watch)")
        try expect(calls("", "Watch", "OK") == (1, 1), "the metrics of a watch")
    }

    /// Errors, unreadable answers and lost connections.
    private func observeTrouble(_ client: ModelClient, _ server: FakeModelServer) async throws {
        server.inject(.failure(.dataLoss, "the checkpoint is damaged"))
        server.inject(.garbage)
        for (status, code) in [("DATA_LOSS", 15), ("INTERNAL", 13)] {
            let error = await failure { _ = try await client.classify("a", model: "sentiment") }
            let span = try span(named: "inference.v1.Inference/Classify")
            try expect(span.attributes.get("rpc.grpc.status_code") == .int64(Int64(code)), "\(span.attributes)")
            try expect(span.status == SpanStatus(code: .error, message: error?.message), "the status of \(status)")
            try expect(span.errors.count == 1, "the error \(status) was recorded \(span.errors.count) times")
            let id = span.attributes.get("distillery.request_id")
            try expect(error?.requestID.map { .string($0) } == id, "the error and its span name other requests")
            try expect(calls("sentiment", "Classify", status) == (1, 1), "the metrics of \(status)")
        }
        server.inject(.disconnect)
        _ = try await client.classify("a", model: "sentiment")
        let span = try span(named: "inference.v1.Inference/Classify")
        try expect(span.events.count == 1 && span.errors.isEmpty, "the lost connection is no event of \(span)")
        let place = [("model", "sentiment"), ("method", "Classify")]
        try expect(
            metrics.counterTotal(label: "distillery_client_retries_total", dimensions: place) == 1,
            "the retry was not counted"
        )
    }

    /// What a real server says of a call.
    func observeServer() throws {
        let embeddings = tracer.popFinishedSpans().filter { $0.attributes.get("rpc.method") == "Embed" }
        guard let span = embeddings.first(where: { $0.status == nil }) else { throw Mistake("nothing was embedded") }
        try expect(span.attributes.get("distillery.answered_by") == "minilm@1:fp32", "\(span.attributes)")
        try expect(span.attributes.get("distillery.request_id") != nil, "the server gave the request no name")
    }

    private func span(named name: String) throws -> FinishedInMemorySpan {
        let spans = tracer.popFinishedSpans().filter { $0.operationName == name }
        guard spans.count == 1 else { throw Mistake("\(spans.count) spans are called \(name)") }
        return spans[0]
    }

    /// How many calls were counted, and how many durations measured.
    private func calls(_ model: String, _ method: String, _ status: String) -> (counted: Int64, measured: Int) {
        let dimensions = [("model", model), ("method", method), ("status", status)]
        let counted = metrics.counterTotal(label: "distillery_client_calls_total", dimensions: dimensions)
        let timers = metrics.timers(label: "distillery_client_call_duration_seconds", dimensions: dimensions)
        return (counted, timers.flatMap(\.values).count { $0 > 0 })
    }

    private func connections(_ outcome: String) -> Int64 {
        metrics.counterTotal(label: "distillery_client_connections_total", dimensions: [("outcome", outcome)])
    }
}

/// Sends the in-memory tracer's spans as W3C Trace Context does.
private struct TraceContext: Instrument {
    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier,
        into context: inout ServiceContext,
        using extractor: Extract
    ) where Extract.Carrier == Carrier {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext,
        into carrier: inout Carrier,
        using injector: Inject
    ) where Inject.Carrier == Carrier {
        guard let span = context.inMemorySpanContext else { return }
        injector.inject("00-\(span.traceID)-\(span.spanID)-01", forKey: "traceparent", into: &carrier)
        injector.inject("vendor=1", forKey: "tracestate", into: &carrier)
    }
}

extension InMemoryTracer.IDGenerator {
    /// Random numbers of the lengths that W3C Trace Context has.
    fileprivate static var w3c: Self {
        Self(nextTraceID: { hexadecimal() + hexadecimal() }, nextSpanID: { hexadecimal() })
    }

    private static func hexadecimal() -> String {
        let digits = String(UInt64.random(in: 1...UInt64.max), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// The error that a call fails with.
private func failure(_ call: () async throws -> Void) async -> ModelClientError? {
    do {
        try await call()
        return nil
    } catch {
        return error as? ModelClientError
    }
}

private func expect(_ holds: Bool, _ otherwise: @autoclosure () -> String) throws {
    guard holds else { throw Mistake(otherwise()) }
}
