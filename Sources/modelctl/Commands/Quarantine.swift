import ArgumentParser
import JSON
import ModelClient

/// `modelctl quarantine`.
struct Quarantine: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows the requests that have ended two workers, and are refused when they come again.",
        discussion: """
            Their texts are not kept: a request has a key, and the name that the log has for the first that was blamed. \
            'quarantine_microseconds' in the server's configuration says for how long they are refused; loading the model anew \
            ends it, too. With --json one line {"requests":[{"key","model","method","bytes","cause","seconds_left",\
            "request_id"}]}, with --clear {"cleared"}.
            """
    )

    @Option(help: ArgumentHelp("Let a model's requests be computed again.", valueName: "model"))
    var clear: String?
    @OptionGroup var server: ServerOptions

    func validate() throws {
        if clear == "" {
            throw ValidationError("--clear names a model, as in --clear intents or --clear intents@2:int8")
        }
    }

    func run() async throws {
        if let clear {
            let count = try await server.withClient { client in try await client.clearQuarantine(model: clear) }
            let requests = count == 1 ? "1 request is" : "\(count) requests are"
            return server.show(JSONText.object(["cleared": count]), ["\(requests) refused no more"])
        }
        let requests = try await server.withClient { client in try await client.quarantine() }
        server.show(JSONText.object(["requests": requests]), Self.lines(requests))
    }

    private static func lines(_ requests: [QuarantinedRequest]) -> [String] {
        guard !requests.isEmpty else { return ["No request is refused."] }
        var table = Table([
            .text("KEY"), .text("MODEL"), .text("METHOD"), .number("BYTES"), .number("LEFT"), .text("REQUEST"),
            .text("CAUSE"),
        ])
        for request in requests {
            let method = request.method.split(separator: "/").last.map(String.init) ?? request.method
            table.add([
                digits(request.key), request.model, method, HumanText.grouped(request.bytes),
                HumanText.time(request.timeLeft), request.requestID, request.cause,
            ])
        }
        return table.lines
    }

    /// 16 hexadecimal digits.
    static func digits(_ key: UInt64) -> String {
        let digits = String(key, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}

extension QuarantinedRequest: JSONWritable {
    package var json: String {
        JSONText.object([
            "key": Quarantine.digits(key), "model": model, "method": method, "bytes": bytes, "cause": cause,
            "seconds_left": timeLeft / .seconds(1), "request_id": requestID,
        ]).json
    }
}
