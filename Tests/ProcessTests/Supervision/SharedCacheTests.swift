import Foundation
import Glibc
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// Packs that others write, replace or make in a cache that servers share.
@Suite(.timeLimit(.minutes(2))) struct SharedCacheTests {
    private let cache: TemporaryFolder

    init() throws { cache = try TemporaryFolder() }

    private func server(_ models: [String: String] = ["m/1": "w"]) throws -> TestServer {
        try TestServer(models: models, cache: cache.path, logLevel: "info")
    }

    /// The processes of a model's workers.
    private func workers(_ model: String, _ status: StatusResponse) -> Set<Int32> {
        let model = status.models.first { $0.name == model && $0.state == "READY" }
        return Set(model?.workers.map { $0.state == "READY" ? $0.pid : 0 } ?? [])
    }

    private func waitForOthers(_ client: inout RawClient, than before: StatusResponse, of model: String) throws {
        let old = workers(model, before)
        _ = try client.wait("other workers of \(model)") { status in
            let now = workers(model, status)
            return now.count == old.count && now.isDisjoint(with: old) && !now.contains(0)
        }
    }

    /// How a pack gets other contents: its bytes are written, its time set back, or another file gets its name.
    @Test(arguments: ["written", "set back", "replaced"])
    func row21And77APackThatChangesWhileItServesIsMadeAgain(how: String) throws {
        let server = try server()
        var client = try server.client()
        let before = try client.status()
        let pack = cache("fake-w.pack")
        if how == "replaced" {
            try cache.write("other", "PACK of another")
            #expect(rename(cache("other"), pack) == 0)
        } else {
            let file = try OwnedDescriptor.open(pack, flags: O_WRONLY)
            var times = stat()
            #expect(fstat(file.rawValue, &times) == 0)
            _ = try Array("DAMAGE".utf8).withUnsafeBytes { try file.write($0) }
            if how == "set back" { #expect(futimens(file.rawValue, [times.st_atim, times.st_mtim]) == 0) }
        }
        try waitForOthers(&client, than: before, of: "m")
        #expect(try client.call("echo on", model: "m").text == "w:on")
        #expect(try FileContents.readText(pack) == "PACK w")
        let log = try server.log().joined(separator: "\n")
        #expect(log.contains("its pack was changed while it was in use"), "\(log)")
        #expect(log.contains("a damaged pack is made again"), "\(log)")
    }

    /// What another server does with a pack that is as it was is no change.
    @Test func row21UseByAnotherServerIsNoChange() throws {
        let first = try server(["m/1": "w", "n/1": "v"])
        var client = try first.client()
        let before = try client.status()
        let second = try server()
        var other = try second.client()
        #expect(try other.call("echo on", model: "m").text == "w:on")
        #expect(try other.reload().map(\.status) == [.ok])
        // This one has changed. When that is seen, the other one has been looked at too.
        #expect(chmod(cache("fake-v.pack"), 0o600) == 0)
        try waitForOthers(&client, than: before, of: "n")
        #expect(try workers("m", client.status()) == workers("m", before))
        #expect(try !first.log().joined().contains("damaged"), "what changed is verified, and is good")
        // What a third one removes is needed no more by those that have it.
        #expect(unlink(cache("fake-w.pack")) == 0)
        #expect(chmod(cache("fake-v.pack"), 0o644) == 0)
        let between = try client.status()
        try waitForOthers(&client, than: between, of: "n")
        #expect(try workers("m", client.status()) == workers("m", before))
    }

    /// The number of a process says nothing: in two containers both servers are process 1.
    @Test func row69FilesThatAreWrittenAreLeftAloneWhoeverWritesThem() throws {
        // A process of that number lives, and has nothing to do with the file; and the other way round.
        try cache.write(".packing-\(getpid())-1", "PACK of one that is gone")
        try cache.write(".packing-2147483647-1", "PACK of one in another container")
        let written = try OwnedDescriptor.open(cache(".packing-2147483647-1"), flags: O_RDWR)
        #expect(try written.lock())
        let first = try server()
        var client = try first.client()
        #expect(try cache.contents() == [".packing-2147483647-1", "fake-w.pack"])

        // Both pack one key at once, and another one starts.
        let second = try server(["n/1": "v"])
        var other = try second.client()
        for (server, model) in [(first, "m"), (second, "n")] {
            try server.write("x", to: "\(model)/1/weights")
            try server.write("hold-pack", to: "\(model)/1/behaviour")
        }
        let reload = ReloadRequest().encode()
        let streams = (
            try client.start(ControlMethod.reload.rawValue, payload: reload),
            try other.start(ControlMethod.reload.rawValue, payload: reload)
        )
        let deadline = ContinuousClock.now + .seconds(20)
        func temporaries() throws -> Int { try cache.contents().count { $0.hasPrefix(".packing-") } }
        while try temporaries() < 3 {
            try #require(ContinuousClock.now < deadline, "they do not pack")
            usleep(2000)
        }
        let third = try server()
        var late = try third.client()
        #expect(try late.call("echo on", model: "m").text == "w:on")
        #expect(try temporaries() == 3)
        try first.remove("m/1/behaviour")
        try second.remove("n/1/behaviour")
        let results = try [client.response(streams.0), other.response(streams.1)].map { response in
            try ReloadResponse.decode(response.payload).results.map(\.status)
        }
        #expect(results == [[.ok], [.ok]])
        #expect(try client.call("echo on", model: "m").text == "x:on")
        #expect(try other.call("echo on", model: "n").text == "x:on")
        #expect(try cache.contents() == [".packing-2147483647-1", "fake-v.pack", "fake-w.pack", "fake-x.pack"])
    }

    /// A server that is killed while it packs leaves a file, which the next one removes.
    @Test func row69WhatAKilledServerWroteIsRemoved() throws {
        let first = try server(["m/1": "w"])
        var client = try first.client()
        try first.write("x", to: "m/1/weights")
        try first.write("hold-pack", to: "m/1/behaviour")
        _ = try client.start(ControlMethod.reload.rawValue, payload: ReloadRequest().encode())
        let deadline = ContinuousClock.now + .seconds(20)
        while try !cache.contents().contains(where: { $0.hasPrefix(".packing-") }) {
            try #require(ContinuousClock.now < deadline, "it does not pack")
            usleep(2000)
        }
        try first.signal(.kill)
        _ = try first.waitForExit()
        // Its packer ends with it, a moment later.
        var isClean = false
        while !isClean {
            try #require(ContinuousClock.now < deadline, "its file is there")
            let next = try server()
            _ = try next.client()
            isClean = try cache.contents() == ["fake-w.pack"]
        }
    }
}
