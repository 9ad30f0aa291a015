import Foundation
import LinuxSystem
import ModelClient
import ModelClientTesting
import TestSupport

/// A fake server in this process, and the programs to run against it: what they ask and print, without an engine.
struct FakeModels {
    let server: FakeModelServer
    let folder: TemporaryFolder

    /// Starts a fake server with a model for every task, and lends it.
    static func withAll<R>(_ body: (FakeModels) async throws -> R) async throws -> R {
        try await withFakeModelServer { server in
            server.onClassify("sentiment") { text in
                .label(text.text.contains("good") ? "POSITIVE" : "NEGATIVE", 0.75)
            }
            server.onTag("ner") { text in [("PER", "Ada"), ("LOC", "東京")].filter { text.contains($0.1) } }
            server.onAnswer("qa") { $0.question.hasPrefix("Where") ? "東京" : nil }
            server.onFillMask("lm") { _ in ["capital", "heart"] }
            server.onZeroShot("nli") { text, labels in labels.first { text.contains($0) } ?? labels[0] }
            server.onRerank("ranker") { query, text in text.contains(query) ? 0.75 : 0.25 }
            server.onEmbed("minilm")
            server.onChoose("swag") { $0.choices.firstIndex { $0.contains("tea") } ?? 0 }
            server.onInfer("sentiment") { inputs in
                [.init("logits", shape: [1, 2], values: .float32([Float(inputs[0].values.count), -1]))]
            }
            return try await body(FakeModels(server: server, folder: try TemporaryFolder()))
        }
    }

    /// Runs `modelctl` until it ends; on a thread of its own, for the fake answers on those of tasks.
    func modelctl(_ arguments: String..., input: String = "") async throws -> ModelServer.Run {
        try await run("modelctl", arguments, input: input)
    }

    /// Runs a program until it ends.
    func run(_ program: String, _ arguments: [String], input: String = "") async throws -> ModelServer.Run {
        try await onThread { [socket = server.socketPath, folder = folder.path] in
            try ModelServer.modelctl(arguments, socket: socket, folder: folder, input: input, program: program)
        }
    }

    /// Runs `modelctl` on a terminal of its own until it ends.
    ///
    /// - Returns: what the terminal was sent.
    func modelctlOnTerminal(_ arguments: String..., environment: [String: String] = [:]) async throws -> String {
        try await onThread { [socket = server.socketPath, folder = folder.path] in
            let master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK)
            defer { close(master) }
            // TIOCSPTLCK and TIOCGPTN, which are macros that Swift does not see.
            var isLocked: CInt = 0
            var number: CInt = 0
            guard master >= 0, ioctl(master, 0x4004_5431, &isLocked) == 0, ioctl(master, 0x8004_5430, &number) == 0
            else {
                throw ModelServer.Failure(description: "there is no pseudo-terminal")
            }
            let terminal = try OwnedDescriptor.open("/dev/pts/\(number)", flags: O_RDWR | O_NOCTTY)
            var process = try ModelServer.start(
                arguments,
                socket: socket,
                folder: folder,
                descriptors: [1: terminal.rawValue],
                extra: ["TERM": "xterm"].merging(environment) { $1 }
            )
            // What it prints fits the terminal's buffer.
            _ = try process.exit(within: 300)
            var room = [UInt8](repeating: 0, count: 1 << 16)
            let count = read(master, &room, room.count)
            return String(decoding: room.prefix(max(0, count)), as: UTF8.self)
        }
    }

    private func onThread<R: Sendable>(_ body: @escaping @Sendable () throws -> R) async throws -> R {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result(catching: body)) }
        }
    }
}
