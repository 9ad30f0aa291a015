import AnswerForms
import ArgumentParser
import Dispatch
import Glibc
import JSON
import ModelClient

/// `modelctl bench`.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Sends requests as fast as they are answered, and reports throughput and latency.",
        discussion: """
            Each connection has --concurrency requests in flight: the next one is sent when one is answered. \
            Connecting and the first request of each connection are not measured. Texts come from --file and --text, \
            else from a built-in list. Ctrl-C ends it early and reports what was measured so far.

            "Computing" is the time in which the request's batch was computed, "all else" what the client waited \
            beyond it: queue, tokenizer, sockets. Requests are those that were answered; failed ones are counted by \
            code, are not in the latencies, and make the exit status 1. Progress goes to standard error. The last line \
            of standard output with --json is {"requests","errors","mismatches","requests_per_second",\
            "tokens_per_second","p50_ms","p90_ms","p99_ms",…}.

            With --verify each text is asked about once before the load, one after the other, and each later answer is \
            compared with that one, bit for bit. One that differs is counted as a mismatch, the first is shown, and the \
            exit status is 1. A reload from other weights changes answers rightly: do not verify across one.
            """
    )

    @Argument(help: "The model, as in 'minilm', 'minilm@2' or 'minilm@2:fp32'.")
    var model: String
    @Option(help: ArgumentHelp("How many sockets to the server.", valueName: "number"))
    var connections = 8
    @Option(help: ArgumentHelp("How many requests are in flight on each.", valueName: "number"))
    var concurrency = 1
    @Option(help: ArgumentHelp("For how long.", valueName: "time"))
    var duration = TimeSpan(seconds: 10)
    @Option(
        help: ArgumentHelp(
            "Texts, one per line: JSON strings, or objects with \"text\"; '-' reads standard input.",
            valueName: "path"
        ),
        completion: .file()
    )
    var file: String?
    @Option(help: "A text; may be given again.")
    var text: [String] = []
    @Option(help: "What to ask for. (default: classify where the model can, else embed)")
    var task: BenchTask?
    @Flag(help: "Compare each answer with one that was asked for before the load.")
    var verify = false
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard (1...1024).contains(connections) else {
            throw ValidationError("--connections is \(connections); it goes from 1 to 1024")
        }
        guard (1...4096).contains(concurrency) else {
            throw ValidationError("--concurrency is \(concurrency); it goes from 1 to 4096")
        }
    }

    func run() async throws {
        let texts = try readTexts()
        let status = try await server.withClient { client in try await client.status() }
        let run = BenchRun(
            socket: server.path,
            // A server that restarts meanwhile delays requests but does not fail them.
            configuration: server.configuration(waitsForConnection: true),
            model: model,
            task: task ?? .standard(for: model, in: status),
            texts: texts,
            connections: connections,
            concurrency: concurrency,
            duration: duration.duration,
            verifies: verify
        )
        let progress = BenchProgress()
        let shown = Task { await show(progress) }
        let (interrupts, source) = Self.interrupts()
        defer { source.cancel() }
        let (measurements, elapsed): (Measurements, Duration)
        do throws(ModelClientError) {
            (measurements, elapsed) = try await run.run(progress: progress, interrupts: interrupts)
        } catch {
            shown.cancel()
            throw server.report(error)
        }
        shown.cancel()
        await shown.value
        let report = BenchReport(
            model: model,
            task: run.task,
            connections: connections,
            concurrency: concurrency,
            elapsed: elapsed,
            measurements: measurements,
            verified: verify
        )
        server.show(report, report.lines)
        if measurements.failures + measurements.mismatches > 0 { throw ExitCode.failure }
    }

    private func readTexts() throws -> [TextInput] {
        guard file != nil || !text.isEmpty else { return BenchTexts.standard.map { TextInput($0) } }
        var texts: [TextInput] = []
        var place = ""
        do {
            let source = try InputSource(given: text.map(JSONValue.string), file: file)
            while let input = try source.read() {
                place = input.place
                let members = try FormObject(input: try input.line.get())
                texts.append(
                    TextInput(try members.required("text", members.string), pair: try members.string("text_pair"))
                )
            }
        } catch let error as LineReader.Failure {
            Console.error(error.message)
            throw ExitCode.noInput
        } catch let error as FormError {
            Console.error("--file \(file ?? ""), \(place): \(error.aboutInput)")
            throw ExitCode.noInput
        }
        guard !texts.isEmpty else {
            Console.error("--file \(file ?? "") holds no text")
            throw ExitCode.noInput
        }
        return texts
    }

    /// Shows the progress until it is cancelled: a line that changes on a terminal, else one every five seconds.
    private func show(_ progress: BenchProgress) async {
        let interval = Duration.milliseconds(Console.errorIsTerminal ? 500 : 5000)
        while (try? await Task.sleep(for: interval)) != nil {
            guard let line = progress.line(at: .now) else { continue }
            Console.progress(Console.errorIsTerminal ? "\r\(line)\u{1B}[K" : line + "\n")
        }
        if Console.errorIsTerminal { Console.progress("\r\u{1B}[K") }
    }

    /// One element when Ctrl-C is pressed; the second time, it ends the process as usual.
    private static func interrupts() -> (stream: AsyncStream<Void>, source: any DispatchSourceSignal) {
        let (stream, continuation) = AsyncStream<Void>.makeStream()
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT)
        source.setEventHandler {
            signal(SIGINT, SIG_DFL)
            continuation.yield()
        }
        source.activate()
        return (stream, source)
    }
}
