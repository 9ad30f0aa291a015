import Glibc
import LinuxSystem
import Messages
import Wire

/// A worker without a model: it speaks the worker channel and does what the payloads and the model folder tell it to.
///
/// The folder holds `weights`, any text, which makes the pack and its key, and may hold `behaviour`, one of
/// `configuration-error`, `exit-at-load`, `never-ready`, `slow-load MILLISECONDS`, `long-load MILLISECONDS` (it says that it goes
/// on), `pack-error`, `variant-error`, `hold-pack` (as long as it says so). A variant other than fp32 has the weights `WEIGHTS-VARIANT` and a quality.
///
/// A payload is a command in text: `echo TEXT`, `sleep MILLISECONDS`, `hang` (it stops itself), `crash`, `kill`, `exit STATUS`, `garbage`,
/// `refuse`, and `once FILE COMMAND`, which does COMMAND the first time and `echo` after that. `pid` answers with the
/// process's number, `verifies` with whether it was told to verify the pack.
@main
struct Program {
    static func main() {
        do {
            let isPacker = CommandLine.arguments.contains("--pack")
            try ProcessSelf.ignoreWriteSignals()
            if let index = CommandLine.arguments.firstIndex(of: "--parent"),
                let parent = Int32(CommandLine.arguments[index + 1]), try !ProcessSelf.dieWithParent(parent)
            {
                exit(0)
            }
            var channel = try Channel(descriptor: 3)
            try channel.send(
                .hello(FromWorker.Hello(protocolVersion: WireProtocol.version, pid: ProcessSelf.processID))
            )
            if isPacker { try pack(&channel) } else { try serve(&channel) }
        } catch is Channel.Closed {
            exit(0)
        } catch {
            let text = Array("fakeworker: \(error)\n".utf8)
            _ = write(2, text, text.count)
            exit(70)
        }
    }

    // MARK: - Packing

    private static func pack(_ channel: inout Channel) throws {
        guard case .pack(let request) = try channel.receive(), let file = channel.takeDescriptor() else { exit(64) }
        guard var weights = try? FileContents.readText("\(request.modelDirectory)/weights") else {
            try channel.send(.failed(.init(kind: .configuration, message: "\(request.modelDirectory): no weights")))
            exit(78)
        }
        let isExact = request.variant == "fp32"
        if !isExact, (try? FileContents.readText("\(request.modelDirectory)/behaviour")) == "variant-error" {
            try channel.send(.failed(.init(kind: .configuration, message: "the variant keeps too little")))
            exit(78)
        }
        if !isExact { weights += "-\(request.variant)" }
        let contents = Array("PACK \(weights)".utf8)
        let count = UInt64(contents.count)
        try channel.send(.packKey(FromWorker.PackKey(key: "fake-\(weights)")))
        guard case .packProceed = try channel.receive() else { exit(64) }
        while (try? FileContents.readText("\(request.modelDirectory)/behaviour")) == "hold-pack" { usleep(2000) }
        guard contents.withUnsafeBytes({ try? file.write($0) }) == .bytes(contents.count) else { exit(70) }
        try channel.send(.packDone(FromWorker.PackDone(bytes: count)))
    }

    // MARK: - Serving

    private static func serve(_ channel: inout Channel) throws {
        guard case .load(let load) = try channel.receive(), let file = channel.takeDescriptor() else { exit(64) }
        var contents = [UInt8](repeating: 0, count: 4096)
        let count = contents.withUnsafeMutableBytes { pread(file.rawValue, $0.baseAddress, $0.count, 0) }
        let pack = String(decoding: contents.prefix(max(0, count)), as: UTF8.self)
        let behaviour = (try? FileContents.readText("\(load.modelDirectory)/behaviour")) ?? ""
        let milliseconds = UInt32(behaviour.split(separator: " ").last ?? "") ?? 0
        switch behaviour.split(separator: " ").first {
        case "configuration-error":
            try channel.send(.failed(.init(kind: .configuration, message: "unsupported model_type 'bart'")))
            exit(78)
        case "exit-at-load": exit(3)
        case "never-ready": while true { pause() }
        case "slow-load": usleep(milliseconds * 1000)
        case "long-load":
            for _ in 0..<milliseconds / 50 {
                usleep(50_000)
                try channel.send(.progress(FromWorker.Progress()))
            }
        default: break
        }
        guard pack == "PACK \(load.packKey.dropFirst(5))", behaviour != "pack-error" else {
            try channel.send(.failed(.init(kind: .pack, message: "the pack is damaged")))
            exit(70)
        }
        let quality = ModelQuality(texts: 3, meanCosine: 0.5, exceptions: ["layer.0.output"])
        try channel.send(
            .ready(
                FromWorker.Ready(
                    tasks: ["classify"],
                    maxTokens: 512,
                    architecture: "Fake",
                    packBytes: UInt64(count),
                    quality: load.variant == "fp32" ? nil : quality
                )
            )
        )
        var worker = FakeWorker(weights: String(load.packKey.dropFirst(5)), verifiesPack: load.verifyPack)
        try worker.run(&channel)
    }
}
