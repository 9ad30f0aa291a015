import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// The cache of packs as servers with real workers find it and leave it.
@Suite(.timeLimit(.minutes(3))) struct ModelctlCacheTests {
    private let cache: TemporaryFolder
    private let models = ["encoder/1": SeededCheckpoint(family: .bert)]

    init() throws { cache = try TemporaryFolder() }

    private func packs() throws -> [String: Data] {
        var packs: [String: Data] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: cache.path) {
            packs[name] = try Data(contentsOf: URL(fileURLWithPath: "\(cache.path)/\(name)"))
        }
        return packs
    }

    private func answer(_ server: ModelServer) throws -> String {
        try server.waitUntilReady()
        let run = try server.modelctl("embed", "encoder", "the same text", "--json")
        #expect(run.exit.isSuccess, "\(run.errors)")
        return run.output
    }

    /// What may happen to a file: a bit that flips, an end that is lost, and a file of something else.
    @Test(arguments: ["flipped", "cut", "foreign"])
    func aPackThatIsNotAsItWasWrittenIsMadeAgain(damage: String) throws {
        let expected = try answer(try ModelServer(models: models, cache: cache.path))
        let written = try packs()
        let (name, whole) = try #require(written.first)
        #expect(written.count == 1)
        var bytes = whole
        switch damage {
        case "flipped": bytes[bytes.count / 2] ^= 1
        case "cut": bytes.removeLast(bytes.count / 3)
        default: bytes = Data(repeating: 0x58, count: bytes.count)
        }
        try bytes.write(to: URL(fileURLWithPath: "\(cache.path)/\(name)"))
        #expect(try answer(try ModelServer(models: models, cache: cache.path)) == expected)
        #expect(try packs() == written)
    }

    /// Its bytes change for those that serve; they are replaced, or a successor of one that is killed finds it first.
    @Test(arguments: [false, true]) func row21APackThatIsWrittenToWhileItServesIsMadeAgain(isKilled: Bool) throws {
        let server = try ModelServer(models: models, cache: cache.path)
        let expected = try answer(server)
        let written = try packs()
        let (name, whole) = try #require(written.first)
        let workers = try server.readyWorkers("encoder")
        let file = try FileHandle(forUpdating: URL(fileURLWithPath: "\(cache.path)/\(name)"))
        try file.seek(toOffset: UInt64(whole.count / 2))
        try file.write(contentsOf: Data(count: whole.count / 4))
        try file.close()
        if isKilled {
            for worker in workers { #expect(kill(Int32(worker), SIGKILL) == 0) }
        }
        try server.waitUntil("encoder has other workers, and a pack as it was") { _ in
            guard let others = try? server.readyWorkers("encoder"), others.count == workers.count else { return false }
            return Set(others).isDisjoint(with: workers) && (try? packs()) == written
        }
        #expect(try answer(server) == expected)
    }

    @Test func twoServersThatPackAtOnceServeOnePack() throws {
        let servers = try (0..<2).map { _ in try ModelServer(models: models, cache: cache.path) }
        let answers = try servers.map(answer)
        #expect(answers[0] == answers[1])
        let names = try packs().keys
        #expect(names.count == 1 && names.allSatisfy { $0.hasSuffix(".pack") }, "\(names)")
        #expect(try servers.map { try $0.modelctl("reload").exit.isSuccess } == [true, true])
    }
}
