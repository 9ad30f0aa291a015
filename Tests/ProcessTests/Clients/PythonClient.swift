import Foundation
import LinuxSystem

/// The Python client as `ops/clients/python/tests/setup` has installed it with pip, beside one release of protobuf.
struct PythonClient: Sendable, CustomStringConvertible {
    /// `oldest` or `newest`.
    let name: String
    private let folder: String
    private let interpreter: String

    var description: String { "the \(name) protobuf" }

    /// Those that are installed and made of the sources as they are; both, or none.
    static let installed: [PythonClient] = {
        let environment = ProcessInfo.processInfo.environment
        let cache = environment["XDG_CACHE_HOME"] ?? (environment["HOME"] ?? "/tmp") + "/.cache"
        let clients = ["oldest", "newest"].compactMap { PythonClient($0, "\(cache)/distillery/python-client/\($0)") }
        return clients.count == 2 ? clients : []
    }()

    private static let sources = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("ops/clients/python").path

    private init?(_ name: String, _ folder: String) {
        let package = "distillery_client"
        guard let python = try? FileContents.readText("\(folder)/python"),
            let files = try? FileManager.default.contentsOfDirectory(atPath: "\(Self.sources)/\(package)")
        else { return nil }
        for file in files where !file.hasPrefix("__pycache__") {
            let source = try? FileContents.read("\(Self.sources)/\(package)/\(file)")
            guard let source, (try? FileContents.read("\(folder)/\(package)/\(file)")) == source else { return nil }
        }
        self.name = name
        self.folder = folder
        interpreter = python.trimmingCharacters(in: .whitespacesAndNewlines)
    }

    /// Runs a script of `ops/clients/python/tests` until it ends.
    func run(_ script: String, socket: String, folder: String, input: String = "") throws -> ModelServer.Run {
        try ModelServer.modelctl(
            [path(script)],
            socket: socket,
            folder: folder,
            input: input,
            program: interpreter,
            extra: environment
        )
    }

    /// Starts a script of `ops/clients/python/tests`.
    func start(
        _ script: String,
        socket: String,
        folder: String,
        descriptors: [Int32: Int32]
    ) throws -> ChildProcess {
        try ModelServer.start(
            [path(script)],
            socket: socket,
            folder: folder,
            program: interpreter,
            descriptors: descriptors,
            extra: environment
        )
    }

    private func path(_ script: String) -> String { "\(Self.sources)/tests/\(script)" }

    private var environment: [String: String] { ["PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"] }
}
