import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// However many workers a model has, its weights are in memory once.
@Suite(.timeLimit(.minutes(3))) struct SharedWeightsTests {
    /// A process's mapping of a pack, from `/proc/PID/smaps` (proc_pid_smaps(5)).
    private struct Mapping {
        var permissions: Substring
        var file: Substring
        var bytes = 0
        var dirtyBytes = 0
    }

    private func packMappings(of processID: Int) throws -> [Mapping] {
        var mappings: [Mapping] = []
        var isPack = false
        for line in try FileContents.readText("/proc/\(processID)/smaps").split(separator: "\n") {
            let words = line.split(separator: " ", omittingEmptySubsequences: true)
            if words[0].last != ":" {
                isPack = line.contains(".pack")
                if isPack { mappings.append(Mapping(permissions: words[1], file: words[4])) }
            } else if isPack, let kilobytes = Int(words[1]) {
                if words[0] == "Size:" { mappings[mappings.count - 1].bytes = kilobytes << 10 }
                if words[0] == "Private_Dirty:" { mappings[mappings.count - 1].dirtyBytes = kilobytes << 10 }
            }
        }
        return mappings
    }

    @Test func allWorkersMapOnePackAndNoneWritesToIt() throws {
        let server = try ModelServer.ready()
        try Data("instance_group: { count: 4 }\n".utf8)
            .write(to: URL(fileURLWithPath: "\(server.repository)/encoder/config.yaml"))
        #expect(try server.modelctl("reload", "encoder").exit.isSuccess)
        try server.waitUntil("four workers are ready") { _ in (try? server.readyWorkers("encoder").count) == 4 }
        // So that each has computed.
        #expect(try server.modelctl("bench", "encoder", "--verify", "--duration", "1").exit.isSuccess)
        let size = try #require(try server.model("encoder")["pack_bytes"] as? Int)
        var files: Set<Substring> = []
        for worker in try server.readyWorkers("encoder") {
            let mappings = try packMappings(of: worker)
            #expect(mappings.reduce(0) { $0 + $1.bytes } >= size, "worker \(worker) maps \(mappings)")
            #expect(mappings.allSatisfy { !$0.permissions.contains("w") && $0.dirtyBytes == 0 }, "\(mappings)")
            files.formUnion(mappings.map(\.file))
        }
        #expect(files.count == 1, "the inodes of the packs: \(files)")
    }
}
