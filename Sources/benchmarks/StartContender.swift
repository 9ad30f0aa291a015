import ArgumentParser
import DistilBERT
import Foundation
import LinuxSystem
import Messages
import ModelFiles
import Tasks
import Tensors
import Wire

/// A worker process as a contender of `ops/bench/start`: `run` starts a `modelworker` on a pack that is there already, as
/// `modeld` does after a crash, and answers the milliseconds until it is ready to compute; `load` how many of them the
/// worker itself counted last, without the start of the process; `bytes` the pack's size.
struct StartContender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "start-contender",
        abstract: "A worker's side of ops/bench/start, driven by lines on standard input."
    )

    @Argument(help: "A Hugging Face folder.")
    var model: String

    @Argument(help: "The modelworker program.")
    var worker: String

    @Option(help: "The precision of the weights.")
    var variant = "fp32"

    @Option(help: "Compute threads.")
    var threads = 1

    func run() async throws {
        let packer = try ModelPacker(directory: model, variant: variant, proven: true)
        let pack = try MemoryFile.create(name: "pack", size: 0)
        try packer.write(to: pack.rawValue)
        var lastLoad = 0.0
        await LineProtocol.serve { command, _ in
            switch command {
            case "run":
                let (milliseconds, ready) = try start(pack, key: packer.key)
                lastLoad = Double(ready.loadMicroseconds) * 1e-3
                return String(milliseconds)
            case "load": return String(lastLoad)
            case "bytes": return String(packer.byteCount)
            default: throw LineProtocol.Unknown(description: "no command \(command)")
            }
        }
    }

    private func start(
        _ pack: borrowing OwnedDescriptor,
        key: String
    ) throws -> (milliseconds: Double, ready: FromWorker.Ready) {
        let pair = try UnixStream.pair()
        let began = ContinuousClock.now
        var child = try ChildProcess(
            ChildCommand(
                worker,
                arguments: ["--channel-fd", "3", "--threads", "\(threads)"],
                descriptors: [3: pair.second.rawValue]
            )
        )
        let channel = pair.takeFirst()
        var decoder = FrameDecoder()
        let load = ToWorker.Load(
            modelDirectory: model,
            name: "model",
            version: 1,
            variant: variant,
            maxBatchTokens: 512,
            threads: UInt32(threads),
            generation: 1,
            packKey: key
        )
        let frame = try FrameEncoder.encode(ToWorker.load(load))
        // A small frame fits an empty socket whole.
        _ = try frame.withUnsafeBytes { try channel.write($0, descriptors: [pack.rawValue]) }
        while true {
            switch try receive(channel, &decoder) {
            case .hello: continue
            case .ready(let ready):
                let milliseconds = (ContinuousClock.now - began) / .milliseconds(1)
                channel.close()
                _ = try child.reap()
                return (milliseconds, ready)
            case .failed(let failure): throw LineProtocol.Unknown(description: failure.message)
            case let other: throw LineProtocol.Unknown(description: "unexpected frame \(other)")
            }
        }
    }

    private func receive(
        _ channel: borrowing UnixStream,
        _ decoder: inout FrameDecoder
    ) throws -> FromWorker {
        while true {
            if let frame = try decoder.next(FromWorker.self) { return frame }
            var room = [UInt8](repeating: 0, count: 4096)
            var result = TransferResult.closed
            try room.withUnsafeMutableBytes { result = try channel.read(into: $0) }
            guard case .bytes(let count) = result, count > 0 else {
                throw LineProtocol.Unknown(description: "the worker ended before it was ready")
            }
            decoder.append(Array(room[..<count]))
        }
    }
}
