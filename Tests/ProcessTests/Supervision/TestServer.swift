import Foundation
import LinuxSystem
import Messages
import TestSupport
import Wire

/// A `modeld` of its own with fake workers, in a temporary folder. Everything ends with it.
final class TestServer {
    /// What a test changes of the command that starts `modeld`.
    typealias Change = (inout ChildCommand) -> Void

    private let temporary: TemporaryFolder
    private var process: ChildProcess?
    private(set) var exit: ExitStatus?
    /// Where clients connect.
    let socket: String

    var folder: String { temporary.path }
    var repository: String { "\(folder)/models" }
    private var logFile: String { "\(folder)/log" }
    private let sharedCache: String?
    /// The folder of packs.
    var cache: String { sharedCache ?? "\(folder)/cache" }

    /// - Parameters:
    ///   - models: folders such as `m/1` with the text of their weights.
    ///   - flags: further flags of `modeld`.
    ///   - cache: the folder of packs; nil: one of its own.
    ///   - logLevel: what is written to `log`, unless it is `critical`.
    ///   - socket: where clients connect, when `modeld` is passed a socket; else one in the folder.
    init(
        models: [String: String] = ["m/1": "w1"],
        flags: [String] = [],
        cache: String? = nil,
        logLevel: String = "critical",
        socket: String? = nil,
        _ change: Change = { _ in }
    ) throws {
        sharedCache = cache
        temporary = try TemporaryFolder()
        self.socket = socket ?? "\(temporary.path)/s"
        try temporary.makeFolder("models")
        for (path, weights) in models { try write(weights, to: "\(path)/weights") }
        try start(flags: flags, logLevel: logLevel, change)
    }

    deinit {
        process = nil
    }

    /// Starts `modeld` again, on the same socket.
    func start(flags: [String] = [], logLevel: String = "critical", _ change: Change = { _ in }) throws {
        let programs = try ProcessSelf.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        var environment = ["HOME": folder]
        for (name, value) in ProcessInfo.processInfo.environment where name.hasSuffix("SAN_OPTIONS") {
            environment[name] = value
        }
        var command = ChildCommand(
            "/\(programs)/modeld",
            arguments: [
                "--model-repository", repository, "--socket", socket, "--cache-dir", cache,
                "--worker-executable", "/\(programs)/fakeworker", "--log-level", logLevel,
            ] + flags,
            environment: environment
        )
        if logLevel == "critical" {
            // What a sanitizer says is seen.
            change(&command)
            process = try TestProcess.start(command)
        } else {
            let output = try OwnedDescriptor.open(logFile, flags: O_WRONLY | O_CREAT | O_APPEND)
            command.descriptors = [2: output.rawValue]
            change(&command)
            process = try TestProcess.start(command)
        }
        exit = nil
        let deadline = ContinuousClock.now + .seconds(20)
        while (try? UnixStream.connect(to: socket)) == nil {
            guard ContinuousClock.now < deadline, try process?.reapIfEnded() == nil else {
                throw RawClient.Failure(description: "modeld did not start")
            }
            usleep(2000)
        }
        // Nothing is answered before the repository has been read: what a test writes from here on comes later.
        _ = try RawClient.open(socket)
    }

    /// Writes a file below the repository.
    func write(_ text: String, to path: String) throws {
        try temporary.write("models/\(path)", text)
    }

    func remove(_ path: String) throws { try FileManager.default.removeItem(atPath: "\(repository)/\(path)") }

    /// A client, once every model is ready or given up.
    func client(settled: Bool = true) throws -> RawClient {
        var client = try RawClient.open(socket)
        if settled {
            _ = try client.wait("all models settled") { status in
                status.models.allSatisfy { $0.state == "READY" || $0.state == "UNAVAILABLE" }
                    && status.models.allSatisfy {
                        $0.workers.allSatisfy { $0.state == "READY" || $0.state == "FAILED" }
                    }
            }
        }
        return client
    }

    /// The lines that `modeld` has logged so far.
    func log() throws -> [Substring] { try FileContents.readText(logFile).split(separator: "\n") }

    /// Looks at the log until it is as wanted.
    @discardableResult
    func waitForLog(_ what: String, seconds: Int64 = 20, until isMet: ([Substring]) -> Bool) throws -> [Substring] {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            let lines = try log()
            if isMet(lines) { return lines }
            guard ContinuousClock.now < deadline else {
                throw RawClient.Failure(description: "\(what) did not come about; the log is \(lines)")
            }
            usleep(5000)
        }
    }

    /// How many descriptors `modeld` has open.
    func openDescriptors() throws -> Int {
        guard let pid = process?.processID else { throw RawClient.Failure(description: "modeld does not run") }
        return try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").count
    }

    /// The memory of `modeld` in bytes: `VmRSS`, now, or `VmHWM`, the most that it had.
    func memory(_ name: String) throws -> Int {
        guard let pid = process?.processID else { throw RawClient.Failure(description: "modeld does not run") }
        let lines = try FileContents.readText("/proc/\(pid)/status").split(separator: "\n")
        let words = lines.first { $0.hasPrefix(name + ":") }?.split { $0 == " " || $0 == "\t" }
        guard let words, let kibibytes = Int(words[1]) else { throw RawClient.Failure(description: "no \(name)") }
        return kibibytes << 10
    }

    /// Sets the number from which on `modeld` gets no descriptors.
    func limitDescriptors(_ limit: Int) throws {
        guard let pid = process?.processID else { throw RawClient.Failure(description: "modeld does not run") }
        let command = ChildCommand("/usr/bin/prlimit", arguments: ["--pid", "\(pid)", "--nofile=\(limit):"])
        var change = try TestProcess.start(command)
        guard try change.reap() == .exited(0) else { throw RawClient.Failure(description: "prlimit failed") }
    }

    /// `modeld` itself; 0 when it does not run.
    var processID: Int32 { process?.processID ?? 0 }

    func signal(_ signal: Signal) throws { _ = try process?.signal(signal) }

    /// Waits for the end of `modeld`; the time is bounded by the watchdog of the test run.
    func waitForExit(seconds: Int64 = 20) throws -> ExitStatus {
        if let exit { return exit }
        guard let ended = try process?.descriptor.waitReadable(within: .seconds(seconds)), ended,
            let status = try process?.reap()
        else { throw RawClient.Failure(description: "modeld did not end within \(seconds) s") }
        exit = status
        return status
    }
}

/// For tests whose workers do something once: what tells them is a file, which a worker cannot open otherwise.
let onceFlags = ["--set", "worker_sandbox=off"]

/// Whether a process exists and is no zombie.
func isAlive(_ processID: Int32) -> Bool {
    guard let status = try? FileContents.readText("/proc/\(processID)/stat") else { return false }
    guard let end = status.lastIndex(of: ")") else { return false }
    return status[status.index(end, offsetBy: 2)] != "Z"
}

/// Waits until a process is gone, at most so long.
func isGone(_ processID: Int32, within seconds: Int64) -> Bool {
    let deadline = ContinuousClock.now + .seconds(seconds)
    while isAlive(processID) {
        guard ContinuousClock.now < deadline else { return false }
        usleep(2000)
    }
    return true
}
