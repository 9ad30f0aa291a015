import ModelClient
import Synchronization

/// Closed loops of requests: each of `connections` sockets has `concurrency` requests in flight until the time is over.
///
/// The loops of a connection run on its own event loop, so no thread hop is measured.
struct BenchRun: Sendable {
    var socket: String
    var configuration: ModelClient.Configuration
    var model: String
    var task: BenchTask
    var texts: [TextInput]
    var connections: Int
    var concurrency: Int
    var duration: Duration
    /// Whether each answer is compared with one to the same text that was asked for alone, before the load.
    var verifies: Bool

    private enum Event: Sendable {
        case measured(Measurements)
        case interrupted
        case ended
    }

    /// Runs until the time is over, or until `interrupts` has an element: then what was measured so far is the result.
    ///
    /// - Parameter progress: told what goes on; the caller shows it.
    /// - Throws: what the first request of a connection failed with, when another try would not help; what a quiet
    ///   request failed with.
    func run(
        progress: BenchProgress,
        interrupts: AsyncStream<Void>
    ) async throws(ModelClientError) -> (measurements: Measurements, elapsed: Duration) {
        let clients = (0..<connections).map { _ in ModelClient(at: socket, configuration: configuration) }
        let result = await withTaskGroup(of: Void.self) { group in
            for client in clients { group.addTask { try? await client.run() } }
            defer { group.cancelAll() }
            let quiet: [BenchAnswer]?
            do throws(ModelClientError) {
                try await warmUp(clients)
                quiet = verifies ? try await quietAnswers(clients[0]) : nil
            } catch {
                return Result<(measurements: Measurements, elapsed: Duration), ModelClientError>.failure(error)
            }
            return .success(await measure(clients, quiet: quiet, progress: progress, interrupts: interrupts))
        }
        return try result.get()
    }

    /// Makes one request on each connection, so that connecting is not measured.
    private func warmUp(_ clients: [ModelClient]) async throws(ModelClientError) {
        let failure = await withTaskGroup(of: ModelClientError?.self) { group in
            for client in clients {
                group.addTask {
                    do throws(ModelClientError) {
                        _ = try await task.ask(client, texts[0], model: model)
                        return nil
                    } catch {
                        return error.isRetryable ? nil : error
                    }
                }
            }
            var failure: ModelClientError?
            for await result in group { failure = failure ?? result }
            return failure
        }
        if let failure { throw failure }
    }

    /// Asks about one text after the other.
    private func quietAnswers(_ client: ModelClient) async throws(ModelClientError) -> [BenchAnswer] {
        var answers: [BenchAnswer] = []
        for text in texts { answers.append(try await task.ask(client, text, model: model)) }
        return answers
    }

    private func measure(
        _ clients: [ModelClient],
        quiet: [BenchAnswer]?,
        progress: BenchProgress,
        interrupts: AsyncStream<Void>
    ) async -> (measurements: Measurements, elapsed: Duration) {
        let start = ContinuousClock.now
        progress.begin(at: start)
        return await withTaskGroup(of: Event.self) { group in
            let loops = clients.count * concurrency
            for index in 0..<loops {
                let client = clients[index / concurrency]
                // Each loop begins elsewhere in the texts, so that they do not all send the same one at once.
                let offset = index * texts.count / loops
                group.addTask(executorPreference: client.executor) {
                    .measured(
                        await loop(client, from: offset, until: start + duration, quiet: quiet, progress: progress)
                    )
                }
            }
            group.addTask {
                for await _ in interrupts { return .interrupted }
                return .ended
            }
            var total = Measurements()
            var running = loops
            while running > 0, let event = await group.next() {
                switch event {
                case .measured(let measurements):
                    total.add(measurements)
                    running -= 1
                case .interrupted: group.cancelAll()
                case .ended: break
                }
            }
            let elapsed = ContinuousClock.now - start
            group.cancelAll()
            return (total, elapsed)
        }
    }

    private func loop(
        _ client: ModelClient,
        from offset: Int,
        until end: ContinuousClock.Instant,
        quiet: [BenchAnswer]?,
        progress: BenchProgress
    ) async -> Measurements {
        var measurements = Measurements()
        var next = offset
        var now = ContinuousClock.now
        while now < end, !Task.isCancelled {
            let begin = now
            do throws(ModelClientError) {
                let answer = try await task.ask(client, texts[next], model: model)
                now = .now
                measurements.answered(in: now - begin, tokens: answer.tokens, timings: answer.metadata.timings)
                if let quiet, let difference = answer.difference(from: quiet[next]) {
                    measurements.differed("\"\(texts[next].text)\": \(difference)")
                }
                progress.answered(tokens: answer.tokens)
            } catch {
                if Task.isCancelled { break }
                measurements.failed(error)
                progress.failed()
                // A server that refuses is not hammered.
                try? await Task.sleep(for: error.retryAfter ?? .milliseconds(10))
                now = .now
            }
            next = next + 1 == texts.count ? 0 : next + 1
        }
        return measurements
    }
}

/// What has happened so far in a bench; read while it runs.
final class BenchProgress: Sendable {
    private let requests = Atomic(0)
    private let tokens = Atomic(0)
    private let failures = Atomic(0)
    private let start = Mutex<ContinuousClock.Instant?>(nil)

    func begin(at instant: ContinuousClock.Instant) {
        start.withLock { $0 = instant }
    }

    func answered(tokens count: Int) {
        requests.add(1, ordering: .relaxed)
        tokens.add(count, ordering: .relaxed)
    }

    func failed() {
        failures.add(1, ordering: .relaxed)
    }

    /// One line for people; nil before the measurement begins.
    func line(at now: ContinuousClock.Instant) -> String? {
        guard let start = start.withLock({ $0 }) else { return nil }
        let seconds = max((now - start) / .seconds(1), 1e-9)
        let requests = requests.load(ordering: .relaxed)
        let tokens = Double(tokens.load(ordering: .relaxed)) / seconds
        return "\(HumanText.fixed(seconds, 1)) s: \(HumanText.grouped(requests)) requests, "
            + "\(HumanText.fixed(Double(requests) / seconds, 1)) per second, \(HumanText.grouped(Int(tokens))) tokens/s, "
            + "\(HumanText.grouped(failures.load(ordering: .relaxed))) failed"
    }
}
