import Foundation
import LinuxSystem
import ModelFiles
import TestSupport

/// A real `modeld` with real workers and small random models, in a temporary folder; and `modelctl` to talk to it.
/// Everything ends with it.
final class ModelServer {
    private let temporary: TemporaryFolder
    private var process: ChildProcess?

    var folder: String { temporary.path }
    var socket: String { "\(folder)/s" }
    var repository: String { "\(folder)/models" }

    /// How one run of a program ended.
    struct Run {
        var exit: ExitStatus
        var output: String
        var errors: String

        /// The lines of the output, without their ends.
        var lines: [String] {
            output.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
        }

        /// The lines of the output as JSON.
        var json: [Any] {
            get throws {
                try lines.map { try JSONSerialization.jsonObject(with: Data($0.utf8), options: .fragmentsAllowed) }
            }
        }
    }

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// `sentiment`, a DistilBERT that classifies into three labels, and `encoder`, a BERT without a head.
    static var standardModels: [String: SeededCheckpoint] {
        var classifier = SeededCheckpoint(family: .distilBERT)
        classifier.labels = 3
        return ["sentiment/1": classifier, "encoder/1": SeededCheckpoint(family: .bert)]
    }

    /// - Parameters:
    ///   - models: checkpoints by their folders, such as `encoder/1`.
    ///   - cache: the folder of packs; nil: one of its own.
    ///   - worker: the program that workers run, beside these tests; nil: the real one.
    ///   - configurations: the contents of models' `config.yaml`, by their names.
    ///   - files: further files of the repository, by their paths.
    ///   - links: folders of models that are elsewhere, by what they are called in the repository, such as `intents/1`.
    ///   - settings: further flags of `modeld`.
    ///   - extra: of its environment.
    init(
        models: [String: SeededCheckpoint] = ModelServer.standardModels,
        cache: String? = nil,
        worker: String? = nil,
        configurations: [String: String] = [:],
        files: [String: String] = [:],
        links: [String: String] = [:],
        settings: [String] = [],
        extra: [String: String] = [:]
    ) throws {
        temporary = try TemporaryFolder()
        for (path, checkpoint) in models {
            try temporary.makeFolder("models/\(path)")
            try checkpoint.write(to: "\(repository)/\(path)")
        }
        for (path, target) in links {
            let link = URL(fileURLWithPath: "\(repository)/\(path)")
            try FileManager.default.createDirectory(
                at: link.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try FileManager.default.createSymbolicLink(atPath: link.path, withDestinationPath: target)
        }
        for (name, text) in configurations {
            try Data(text.utf8).write(to: URL(fileURLWithPath: "\(repository)/\(name)/config.yaml"))
        }
        for (path, text) in files { try temporary.write("models/\(path)", text) }
        process = try TestProcess.start(
            ChildCommand(
                try Self.program("modeld"),
                arguments: [
                    "--model-repository", repository, "--socket", socket, "--cache-dir",
                    cache ?? "\(folder)/cache",
                    "--log-level", "critical",
                ] + settings + (try worker.map { ["--worker-executable", try Self.program($0)] } ?? []),
                environment: Self.environment(home: folder).merging(extra) { $1 }
            )
        )
    }

    deinit {
        process = nil
    }

    /// Starts a server and waits until its models are ready.
    static func ready() throws -> ModelServer {
        let server = try ModelServer()
        try server.waitUntilReady()
        return server
    }

    func waitUntilReady(within seconds: Int64 = 60) throws {
        try waitUntil("every model is ready", within: seconds) { $0.contains("\"state\":\"READY\",\"models\"") }
    }

    /// Waits until what `modelctl status --json` prints is as it should be.
    func waitUntil(_ what: String, within seconds: Int64 = 60, _ condition: (String) -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let status = try modelctl("status", "--json")
            if status.exit.isSuccess, condition(status.output) { return }
            guard ContinuousClock.now < deadline, try process?.reapIfEnded() == nil else {
                throw Failure(description: "it never happened that \(what): \(status.output)\(status.errors)")
            }
            usleep(10_000)
        }
    }

    /// Runs `modelctl` with its socket until it ends.
    func modelctl(_ arguments: String..., input: String = "") throws -> Run {
        try Self.modelctl(arguments, socket: socket, folder: folder, input: input)
    }

    /// Runs `modelctl`, or another program, until it ends.
    ///
    /// - Parameters:
    ///   - program: one that was built beside these tests, or a path.
    ///   - extra: of its environment.
    static func modelctl(
        _ arguments: [String],
        socket: String?,
        folder: String,
        input: String = "",
        program: String = "modelctl",
        extra: [String: String] = [:]
    ) throws -> Run {
        let name = "\(folder)/run-\(UInt32.random(in: 0...UInt32.max))"
        try Data(input.utf8).write(to: URL(fileURLWithPath: "\(name).in"))
        let source = try OwnedDescriptor.open("\(name).in")
        let output = try OwnedDescriptor.open("\(name).out", flags: O_WRONLY | O_CREAT)
        let errors = try OwnedDescriptor.open("\(name).err", flags: O_WRONLY | O_CREAT)
        var process = try start(
            arguments,
            socket: socket,
            folder: folder,
            program: program,
            descriptors: [0: source.rawValue, 1: output.rawValue, 2: errors.rawValue],
            extra: extra
        )
        let exit = try process.exit(within: 300)
        // Not `String(contentsOfFile:)`: Foundation's (Swift 6.3) leaks a page a call, which the address sanitizer reports.
        return Run(
            exit: exit,
            output: String(decoding: try FileContents.read("\(name).out"), as: UTF8.self),
            errors: String(decoding: try FileContents.read("\(name).err"), as: UTF8.self)
        )
    }

    /// Starts `modelctl`.
    func start(_ arguments: [String], descriptors: [Int32: Int32]) throws -> ChildProcess {
        try Self.start(arguments, socket: socket, folder: folder, descriptors: descriptors)
    }

    static func start(
        _ arguments: [String],
        socket: String?,
        folder: String,
        program name: String = "modelctl",
        descriptors: [Int32: Int32],
        extra: [String: String] = [:]
    ) throws -> ChildProcess {
        var environment = environment(home: folder)
        environment["MODELD_SOCKET"] = socket
        environment.merge(extra) { $1 }
        return try TestProcess.start(
            ChildCommand(
                try program(name),
                arguments: arguments,
                environment: environment,
                descriptors: descriptors
            )
        )
    }

    /// A program that was built beside these tests; a path as it is.
    private static func program(_ name: String) throws -> String {
        if name.hasPrefix("/") { return name }
        let folder = try ProcessSelf.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        return "/\(folder)/\(name)"
    }

    private static func environment(home: String) -> [String: String] {
        var environment = ["HOME": home]
        for (name, value) in ProcessInfo.processInfo.environment
        where name.hasSuffix("SAN_OPTIONS") || name.hasPrefix("DISTILLERY_") || name == "LD_LIBRARY_PATH" {
            environment[name] = value
        }
        return environment
    }
}

extension ChildProcess {
    /// Waits for the end; past its time, the process is killed when the caller lets go of it.
    mutating func exit(within seconds: Int32) throws -> ExitStatus {
        guard try descriptor.waitReadable(within: .seconds(seconds)) else {
            throw ModelServer.Failure(description: "a process did not end within \(seconds) s")
        }
        return try reap()
    }
}

/// Reads lines from a pipe, with a limit on the time.
struct PipeLines: ~Copyable {
    private let reading: OwnedDescriptor
    private var bytes: [UInt8] = []

    init(_ reading: consuming OwnedDescriptor) {
        self.reading = reading
    }

    /// The next line; throws when none comes within half a minute.
    mutating func next() throws -> String {
        while true {
            if let end = bytes.firstIndex(of: 10) {
                defer { bytes.removeFirst(end + 1) }
                return String(decoding: bytes[..<end], as: UTF8.self)
            }
            var room = [UInt8](repeating: 0, count: 4096)
            guard try reading.waitReadable(within: .seconds(30)),
                case .bytes(let count) = try room.withUnsafeMutableBytes({ try reading.read(into: $0) })
            else { throw ModelServer.Failure(description: "no line came") }
            bytes += room[..<count]
        }
    }
}
