import ArgumentParser
import Configuration
import Foundation
import LinuxSystem
import Logging
import Supervisor

/// `modeld`: the server. Flags, the configuration file and the environment are read here; everything else is in
/// `Supervisor`.
@main
struct Program: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "modeld",
        abstract: "Serves DistilBERT and BERT models from pinned worker processes on a Unix socket.",
        discussion: """
            Settings come from a YAML file (--config), then from MODELD_… environment variables (MODELD_SOCKET for \
            'socket'), then from flags. SIGHUP reloads all models; SIGTERM finishes what was accepted and stops, a \
            second one stops at once. --print-config has all settings; SIGHUP also reads the file again, and says what needs \
            a restart. SIGUSR1 opens log_file anew. The socket that systemd passes is served instead of 'socket', and \
            systemd is told when the server is ready and that it lives.
            """,
        version: Server.version
    )

    @Option(help: "The folder that holds <model>/<version>/ folders.")
    var modelRepository: String?
    @Option(help: "The path of the Unix socket.")
    var socket: String?
    @Option(help: "A YAML file with settings.")
    var config: String?
    @Option(help: "Where packed weights are kept. Default: below XDG_CACHE_HOME, /var/cache or ~/.cache.")
    var cacheDir: String?
    @Option(help: "The worker program. Default: modelworker beside modeld.")
    var workerExecutable: String?
    @Option(help: "CPUs of a slot. Default: as many as a NUMA node has, but at most 4.")
    var threadsPerWorker: String?
    @Option(help: "The CPUs to use, such as 0-3,8. Default: all that the process may use.")
    var cpus: String?
    @Option(help: "How many CPUs to leave to others.")
    var reserveCpus: String?
    @Option(help: "trace, debug, info, notice, warning, error or critical.")
    var logLevel: String?
    @Option(name: .customLong("set"), help: "Any other setting, as key=value; may be repeated.")
    var settings: [String] = []
    @Flag(help: "Print every setting with its value, where that came from and what it means, as a YAML file, and exit.")
    var printConfig = false
    @Flag(help: "Say what is wrong with the settings and the models' config.yaml, or ok; start nothing, and exit.")
    var checkConfig = false

    /// EX_CONFIG of sysexits.h: starting again changes nothing.
    private static let configurationExit = ExitCode(78)

    func run() throws {
        let environment = ProcessInfo.processInfo.environment
        do {
            if printConfig { return print(try serverConfiguration(environment)) }
            if checkConfig { return try check(environment) }
            // Once: what is no regular file, such as a pipe, can be read only once.
            let configuration = try serverConfiguration(environment)
            try require(configuration, environment).check()
            let reread = {
                try requireRegularFile(environment)
                let configuration = try serverConfiguration(environment)
                try require(configuration, environment).check()
                return configuration
            }
            let level = Logger.Level(rawValue: configuration.logLevel) ?? .info
            let output = try configuration.logFile.map { try LineOutput(path: $0) } ?? LineOutput(2)
            LoggingSystem.bootstrap { LineLogHandler(label: $0, level: level, output: output) }
            let server = try Server(
                configuration: configuration,
                reread: reread,
                environment: environment,
                userID: getuid(),
                logger: Logger(label: "modeld"),
                output: output
            )
            try server.run()
        } catch let error as ConfigurationError {
            complain(error.messages)
            throw Self.configurationExit
        } catch {
            complain(["\(error)"])
            throw ExitCode.failure
        }
    }

    private func complain(_ messages: [String]) {
        for message in messages { FileHandle.standardError.write(Data("modeld: \(message)\n".utf8)) }
    }

    private func check(_ environment: [String: String]) throws {
        var problems = ConfigurationProblems()
        let configuration = serverConfiguration(environment, &problems)
        problems.attempt { () throws(ConfigurationError) in try require(configuration, environment).check() }
        problems.attempt { () throws(ConfigurationError) in
            try Server.problems(with: configuration, environment: environment, isRoot: getuid() == 0).check()
        }
        try problems.check()
        print("ok")
    }

    private func requireRegularFile(_ environment: [String: String]) throws {
        guard let file = config ?? environment["MODELD_CONFIG"] else { return }
        var information = stat()
        guard stat(file, &information) == 0, information.st_mode & S_IFMT == S_IFREG else {
            throw ConfigurationError("\(file): it cannot be read again, for it is no regular file")
        }
    }

    private func serverConfiguration(_ environment: [String: String]) throws -> ServerConfiguration {
        var problems = ConfigurationProblems()
        let result = serverConfiguration(environment, &problems)
        try problems.check()
        return result
    }

    /// What can be read of it; what cannot is noted.
    private func serverConfiguration(
        _ environment: [String: String],
        _ problems: inout ConfigurationProblems
    ) -> ServerConfiguration {
        var result = ServerConfiguration()
        if let file = config ?? environment["MODELD_CONFIG"] {
            problems.attempt { () throws(ConfigurationError) in try result.apply(file: file) }
        }
        problems.attempt { () throws(ConfigurationError) in try result.apply(environment: environment) }
        let flags = [
            "model_repository": modelRepository, "socket": socket, "cache_dir": cacheDir,
            "worker_executable": workerExecutable, "threads_per_worker": threadsPerWorker, "cpus": cpus,
            "reserve_cpus": reserveCpus, "log_level": logLevel,
        ]
        for (key, value) in flags.sorted(by: { $0.key < $1.key }) {
            guard let value else { continue }
            problems.attempt { () throws(ConfigurationError) in try result.apply(flag: key, value) }
        }
        for setting in settings {
            problems.attempt { () throws(ConfigurationError) in
                guard let equals = setting.firstIndex(of: "=") else {
                    throw ConfigurationError("--set \(setting): write key=value")
                }
                try result.apply(
                    flag: String(setting[..<equals]),
                    String(setting[setting.index(after: equals)...])
                )
            }
        }
        return result
    }

    private func require(
        _ configuration: ServerConfiguration,
        _ environment: [String: String]
    ) -> ConfigurationProblems {
        var needed = [("model_repository", configuration.modelRepository)]
        if !ServiceManager.passesSocket(environment) { needed.append(("socket", configuration.socket)) }
        var problems = ConfigurationProblems()
        for (key, value) in needed where value.isEmpty {
            let flag = key.replacing("_", with: "-")
            problems.attempt { () throws(ConfigurationError) in
                throw ConfigurationError(
                    "\(key) is not set: give --\(flag), MODELD_\(key.uppercased()) or a --config file"
                )
            }
        }
        return problems
    }
}
