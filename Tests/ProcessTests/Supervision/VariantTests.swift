import Foundation
import LinuxSystem
import Messages
import Testing
import Wire

/// Several precisions of one checkpoint side by side, and the cache of their packs.
@Suite(.timeLimit(.minutes(2))) struct VariantTests {
    @Test func variantsAreServedSideBySide() throws {
        let server = try TestServer(models: ["m/1": "one", "m/2": "two"])
        try server.write("variants: [fp32, int8]", to: "m/config.yaml")
        var client = try server.client()
        _ = try client.reload("m")
        #expect(try client.call("echo x", model: "m").text == "two:x", "the variant that is configured first")
        #expect(try client.call("echo x", model: "m:int8").text == "two-int8:x")
        let old = try client.call("echo x", model: "m@1:int8")
        #expect(old.text == "one-int8:x")
        #expect(old.model == "m@1:int8")
        let unknown = try client.call("echo x", model: "m:bf16")
        #expect(unknown.status == .notFound)
        #expect(unknown.message.contains("it has fp32, int8"), "\(unknown.message)")
        let models = try client.status().models
        #expect(models.map { "\($0.version):\($0.variant)" } == ["1:fp32", "1:int8", "2:fp32", "2:int8"])
        #expect(models.map { $0.quality?.exceptions } == [nil, ["layer.0.output"], nil, ["layer.0.output"]])
    }

    @Test func theFirstVariantOfTheConfigurationIsTheUsualOne() throws {
        let server = try TestServer(models: ["m/1": "w"])
        try server.write("variants: [int8]", to: "m/config.yaml")
        var client = try server.client()
        let results = try client.reload()
        #expect(results.map(\.model) == ["m@1:fp32", "m@1:int8"])
        #expect(results.allSatisfy { $0.status == .ok })
        #expect(try client.call("echo x", model: "m").text == "w-int8:x")
        #expect(try client.call("echo x", model: "m:fp32").status == .notFound, "it is no longer enabled")
    }

    @Test func oneVariantIsReloadedAlone() throws {
        let server = try TestServer(models: ["m/1": "w"])
        try server.write("variants: [fp32, bf16]", to: "m/config.yaml")
        var client = try server.client()
        _ = try client.reload()
        let results = try client.reload("m:bf16")
        #expect(results.map(\.model) == ["m@1:bf16"])
        let generations = try client.status().models.map(\.generation)
        #expect(generations == [2, 2])
        #expect(try client.reload("m@1:fp32").map(\.generation) == [3])
    }

    @Test func packsThatNothingServesFromAreRemoved() throws {
        let server = try TestServer(models: ["a/1": "first", "b/1": "other"])
        var client = try server.client()
        try server.write("second", to: "a/1/weights")
        _ = try client.reload("a")
        let list = try CacheListResponse.decode(
            try client.response(try client.start("control.v1.Control/CacheList", model: "")).payload
        )
        #expect(Set(list.entries.map(\.key)) == ["fake-first", "fake-second", "fake-other"])
        #expect(list.entries.first { $0.key == "fake-second" }?.models == ["a@1:fp32"])
        #expect(list.entries.first { $0.key == "fake-first" }?.models == [])
        #expect(list.path == "\(server.folder)/cache")
        let pruned = try CachePruneResponse.decode(
            try client.response(try client.start("control.v1.Control/CachePrune", model: "")).payload
        )
        #expect(pruned.removed.map(\.key) == ["fake-first"])
        #expect(pruned.bytes == UInt64("PACK second".utf8.count + "PACK other".utf8.count))
        #expect(!FileManager.default.fileExists(atPath: "\(server.folder)/cache/fake-first.pack"))
        #expect(try client.call("echo x", model: "a").text == "second:x")
    }

    @Test func theCacheKeepsBelowItsLimit() throws {
        let server = try TestServer(models: ["m/1": "w1"], flags: ["--set", "cache_max_bytes=8"])
        var client = try server.client()
        for name in ["w2", "w3"] {
            try server.write(name, to: "m/1/weights")
            _ = try client.reload("m")
        }
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(server.folder)/cache")
        // A generation that is leaving still has its pack open when the next one's arrives.
        #expect(files.filter { $0.hasSuffix(".pack") }.sorted() == ["fake-w2.pack", "fake-w3.pack"])
    }

    @Test func twoServersShareOneCache() throws {
        let first = try TestServer(models: ["m/1": "shared"])
        let second = try TestServer(models: ["m/1": "shared"], flags: ["--cache-dir", "\(first.folder)/cache"])
        var one = try first.client()
        var two = try second.client()
        #expect(try one.call("echo x", model: "m").text == "shared:x")
        #expect(try two.call("echo x", model: "m").text == "shared:x")
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(first.folder)/cache")
        #expect(files == ["fake-shared.pack"])
    }
}
