import Glibc
import LinuxSystem
import Messages
import Worker

/// Does what the model folder's `behaviour` says.
struct FakeLoader: EngineLoader {
    func load(
        _ request: ToWorker.Load,
        pack file: borrowing OwnedDescriptor,
        threads: Int,
        progress: () throws -> Void
    ) throws -> (engine: FakeEngine, ready: FromWorker.Ready) {
        var contents = [UInt8](repeating: 0, count: 4096)
        let count = contents.withUnsafeMutableBytes { pread(file.rawValue, $0.baseAddress, $0.count, 0) }
        let pack = String(decoding: contents.prefix(max(0, count)), as: UTF8.self)
        let behaviour = behaviour(request.modelDirectory)
        let milliseconds = UInt32(behaviour.split(separator: " ").last ?? "") ?? 0
        switch behaviour.split(separator: " ").first {
        case "configuration-error": throw LoadFailure(.configuration, "unsupported model_type 'bart'")
        case "exit-at-load": exit(3)
        case "never-ready": while true { sleep(1) }
        case "slow-load": usleep(milliseconds * 1000)
        case "long-load":
            for _ in 0..<milliseconds / 50 {
                usleep(50_000)
                try progress()
            }
        default: Fault.strike(behaviour[...])
        }
        let weights = String(request.packKey.dropFirst(5))
        guard pack == "PACK \(weights)", behaviour != "pack-error" else {
            throw LoadFailure(.pack, "the pack is damaged")
        }
        let quality = ModelQuality(texts: 3, meanCosine: 0.5, exceptions: ["layer.0.output"])
        let ready = FromWorker.Ready(
            tasks: ["classify"],
            maxTokens: 512,
            architecture: "Fake",
            packBytes: UInt64(count),
            quality: request.variant == "fp32" ? nil : quality
        )
        return (FakeEngine(weights: weights, verifiesPack: request.verifyPack), ready)
    }

    func pack(
        _ request: ToWorker.Pack,
        into file: borrowing OwnedDescriptor,
        propose: (_ key: String) throws -> Void,
        progress: () throws -> Void
    ) throws -> Int {
        guard var weights = try? FileContents.readText("\(request.modelDirectory)/weights") else {
            throw LoadFailure(.configuration, "\(request.modelDirectory): no weights")
        }
        if request.variant != "fp32" {
            guard behaviour(request.modelDirectory) != "variant-error" else {
                throw LoadFailure(.configuration, "the variant keeps too little")
            }
            weights += "-\(request.variant)"
        }
        if behaviour(request.modelDirectory) == "pack-trouble" {
            throw LoadFailure(.resource, "the weights were written to while the model was packed")
        }
        let attempt = behaviour(request.modelDirectory)
        if attempt.hasPrefix("attempt "), let outcome = Escape.attempt(attempt.dropFirst(8)) {
            weights += "-" + outcome
        }
        try propose("fake-\(weights)")
        while behaviour(request.modelDirectory) == "hold-pack" { usleep(2000) }
        let contents = Array("PACK \(weights)".utf8)
        guard try contents.withUnsafeBytes({ try file.write($0) }) == .bytes(contents.count) else {
            throw LoadFailure(.resource, "the pack was not written")
        }
        return contents.count
    }

    func check(_ copy: borrowing OwnedDescriptor, key: String) throws {
        var contents = [UInt8](repeating: 0, count: 4096)
        let count = contents.withUnsafeMutableBytes { pread(copy.rawValue, $0.baseAddress, $0.count, 0) }
        guard String(decoding: contents.prefix(max(0, count)), as: UTF8.self) == "PACK \(key.dropFirst(5))" else {
            throw LoadFailure(.pack, "the copy is no pack of the key \(key)")
        }
    }

    private func behaviour(_ folder: String) -> String { (try? FileContents.readText("\(folder)/behaviour")) ?? "" }
}
