import Glibc
import Messages
import Testing

/// Copies of packs in memory, on the one node that every machine has.
@Suite(.timeLimit(.minutes(10))) struct NodeCopyTests {
    @Test func workersThatHaveACopyNeedTheFileNoMore() throws {
        let server = try TestServer(models: ["m/1": "w"], flags: ["--set", "numa=replicate"], logLevel: "info")
        var client = try server.client()
        let model = try #require(try client.status().models.first)
        #expect(model.state == "READY" && model.numa == "a copy on node 0")
        #expect(try client.call("echo x", model: "m").text == "w:x")
        // The file is written to and cut; the worker dies, and its successor has the copy.
        let pack = "\(server.folder)/cache/fake-w.pack"
        #expect(truncate(pack, 1) == 0)
        let worker = try #require(model.workers.first)
        #expect(kill(worker.pid, SIGKILL) == 0)
        #expect(try client.call("echo x", model: "m").text == "w:x")
        #expect(try client.call("pid", model: "m").text != "\(worker.pid)")
        #expect(try !server.log().joined().contains("damaged"))
        // What is loaded anew comes from the file, which is not what was copied.
        #expect(try client.reload("m").map(\.status) == [.ok])
        let log = try server.log().joined(separator: "\n")
        #expect(log.contains("all nodes share one copy of the weights"), "\(log)")
        #expect(log.contains("a damaged pack is made again"), "\(log)")
        #expect(try client.call("echo x", model: "m").text == "w:x")
        #expect(try client.status().models.first?.numa == "a copy on node 0")
    }

    @Test func whoeverIsStrictHasADamagedPackMadeAgainToo() throws {
        let server = try TestServer(
            models: ["m/1": "w"],
            flags: ["--set", "numa=replicate", "--set", "numa_strict=true"]
        )
        var client = try server.client()
        #expect(try client.status().models.first?.numa == "a copy on node 0")
        let pack = "\(server.folder)/cache/fake-w.pack"
        #expect(truncate(pack, 1) == 0)
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("echo x", model: "m").text == "w:x")
        #expect(try client.status().models.first?.numa == "a copy on node 0")
    }

    @Test func onOneNodeNothingIsCopiedByItself() throws {
        let server = try TestServer()
        var client = try server.client()
        let numa = try client.status().models.first?.numa
        #expect(numa == "shared: all workers are on one node")
    }
}
