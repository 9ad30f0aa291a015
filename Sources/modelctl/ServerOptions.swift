import ArgumentParser
import Glibc
import JSON
import ModelClient

/// Which server, and how to print: the options of every command.
struct ServerOptions: ParsableArguments, Sendable {
    /// Where the server is looked for when nothing else is said.
    static let standardSocket = "/run/modeld/modeld.sock"

    @Option(
        help: ArgumentHelp(
            "The server's Unix socket. (default: MODELD_SOCKET, else \(standardSocket))",
            valueName: "path"
        ),
        completion: .file()
    )
    var socket: String?

    @Flag(help: "Print JSON, for scripts.")
    var json = false

    /// The path to connect to.
    var path: String {
        if let socket { return socket }
        if let value = getenv("MODELD_SOCKET"), value.pointee != 0 { return String(cString: value) }
        return Self.standardSocket
    }

    func validate() throws {
        guard !path.isEmpty else { throw ValidationError("--socket is empty; give the path of modeld's socket") }
        guard path.utf8.count <= 107 else {
            throw ValidationError("the socket's path has \(path.utf8.count) bytes; Linux allows 107: \(path)")
        }
    }

    /// Connects, runs `body`, and turns the client's errors into one line and an exit status.
    ///
    /// - Parameter waits: whether calls wait for a server that is away, within their timeout, instead of failing.
    func withClient<R>(
        waitsForConnection waits: Bool = false,
        _ body: nonisolated(nonsending) (ModelClient) async throws -> R
    ) async throws -> R {
        do {
            return try await withModelClient(at: path, configuration: configuration(waitsForConnection: waits), body)
        } catch let error as ModelClientError {
            throw report(error)
        }
    }

    /// Runs `body` with a client, and again when the server goes away, once it has been reached.
    ///
    /// - Parameter delay: how long to wait before it is tried again.
    func withReconnectingClient(
        delay: Duration = .seconds(1),
        _ body: nonisolated(nonsending) (ModelClient) async throws -> Void
    ) async throws {
        var wasReached = false
        while true {
            do {
                try await withModelClient(at: path, configuration: configuration(waitsForConnection: false)) {
                    (client) async throws in
                    _ = try await client.status()
                    wasReached = true
                    try await body(client)
                }
            } catch let error as ModelClientError {
                guard wasReached, error.isRetryable || error.isUnreachable else { throw report(error) }
                Console.error("\(error.message) Trying again.")
            }
            try await Task.sleep(for: delay)
        }
    }

    /// Prints an answer as JSON, where that is asked for, or else for people.
    func show(_ answer: any JSONWritable, _ lines: @autoclosure () -> [String]) {
        for line in json ? [answer.json] : lines() { Console.line(line) }
    }

    /// How a command's client behaves.
    func configuration(waitsForConnection waits: Bool) -> ModelClient.Configuration {
        var configuration = ModelClient.Configuration()
        configuration.waitsForConnection = waits
        return configuration
    }

    /// Prints an error.
    ///
    /// - Returns: the status to exit with.
    func report(_ error: ModelClientError) -> ExitCode {
        guard error.isUnreachable else {
            Console.error("\(error.code): \(error.message)\(error.requestNote)")
            return .failure
        }
        Console.error(
            "cannot reach modeld: \(error.message) Start it with 'modeld --model-repository DIR --socket \(path)', or name "
                + "another socket with --socket or MODELD_SOCKET."
        )
        return .unreachable
    }
}

extension ExitCode {
    /// `EX_UNAVAILABLE`: the server cannot be reached.
    static let unreachable = ExitCode(69)
    /// `EX_NOINPUT`: an input file cannot be read.
    static let noInput = ExitCode(66)
}

extension ModelClientError {
    /// Whether there is no server to talk to, rather than one that refuses.
    var isUnreachable: Bool { code == .unavailable && origin == .connection }
}
