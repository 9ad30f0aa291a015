import Foundation
import LinuxSystem
import Messages
import TestSupport
import Testing
import Wire

/// Folders that are not as they should be: what is wrong is said, where an operator looks.
@Suite(.timeLimit(.minutes(5))) struct FolderTests {
    @Test func aMisnamedModelIsInTheStatusAndWhatIsSkippedIsSaidOnce() throws {
        let server = try TestServer(models: ["m/1": "w1", "my model/1": "w2", "m/v2": "w3"], logLevel: "info")
        try server.write("x", to: "left here/notes")
        var client = try server.client()
        for _ in 0..<3 { #expect(try client.reload().map(\.status) == [.ok, .invalidArgument]) }
        let status = try client.status()
        #expect(status.state == "DEGRADED")
        let misnamed = try #require(status.models.first { $0.name == "my model" })
        #expect(misnamed.state == "UNAVAILABLE")
        #expect(misnamed.reason.contains("/my model: the name of the folder cannot be a model's"))
        for path in ["left here", "m/v2"] {
            let lines = try server.log().filter { $0.contains("path=\(server.repository)/\(path) ") }
            #expect(lines.count == 1, "\(lines)")
            #expect(lines.first?.contains("not served: the name of") == true)
        }
        try FileManager.default.moveItem(
            atPath: "\(server.repository)/my model",
            toPath: "\(server.repository)/my-model"
        )
        #expect(try client.reload().map(\.status) == [.ok, .ok, .ok])
        #expect(try client.call("echo on", model: "my-model").text == "w2:on")
        #expect(try client.status().models.map(\.name) == ["m", "my-model"])
    }

    /// What `modeld` says with a cache folder that it cannot use.
    private func refusal(cache: String, _ folder: TemporaryFolder) throws -> String {
        let programs = try ProcessSelf.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        try folder.makeFolder("models")
        let output = try OwnedDescriptor.pipe()
        var process = try TestProcess.start(
            ChildCommand(
                "/\(programs)/modeld",
                arguments: [
                    "--model-repository", folder("models"), "--socket", folder("s"), "--cache-dir", cache,
                    "--worker-executable", "/bin/true",
                ],
                environment: ["HOME": folder.path],
                descriptors: [2: output.writing.rawValue]
            )
        )
        #expect(try process.exit(within: 20) == .exited(78))
        var text = [UInt8](repeating: 0, count: 4096)
        guard case .bytes(let count) = try text.withUnsafeMutableBytes({ try output.reading.read(into: $0) }) else {
            return ""
        }
        return String(decoding: text[..<count], as: UTF8.self)
    }

    @Test func aCacheThatIsNoFolderIsRefusedAtTheStart() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "x")
        try FileManager.default.createSymbolicLink(atPath: folder("link"), withDestinationPath: folder("nowhere"))
        for (cache, problem) in [
            ("file", "it is no folder"), ("link", "it is a link to nothing"), ("file/cache", "Not a directory"),
        ] {
            let line = try refusal(cache: folder(cache), folder).split(separator: "\n").last
            let message = try #require(line)
            #expect(message.contains("cache_dir \(folder(cache)): ") && message.contains(problem), "\(message)")
        }
    }

    @Test(.enabled(if: geteuid() != 0, "root may write everywhere"))
    func aCacheThatCannotBeWrittenIsRefusedAtTheStart() throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("cache")
        #expect(chmod(folder("cache"), 0o555) == 0)
        defer { chmod(folder("cache"), 0o755) }
        let message = try refusal(cache: folder("cache"), folder)
        #expect(message.contains("cache_dir \(folder("cache")): Permission denied"), "\(message)")
    }

    /// Who could write there could have others' weights served.
    @Test func row74ACacheThatOthersMayChangeIsRefusedAtTheStart() throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("cache")
        let cache = folder("cache")
        let advice = "make it user \(geteuid())'s alone (chown, chmod o-w), or choose another with --cache-dir"
        #expect(chmod(cache, 0o777) == 0)
        let open = try refusal(cache: cache, folder)
        let reason = "every user may write to it, so packs could be changed there"
        #expect(open.contains("cache_dir \(cache): \(reason); \(advice)"), "\(open)")
        guard geteuid() == 0 else { return }
        #expect(chmod(cache, 0o755) == 0 && chown(cache, 65534, 65534) == 0)
        #expect(try refusal(cache: cache, folder).contains("cache_dir \(cache): it belongs to user 65534, so packs"))
    }

    @Test func aCacheThatIsRemovedIsMadeAgain() throws {
        let server = try TestServer()
        var client = try server.client()
        try FileManager.default.removeItem(atPath: "\(server.folder)/cache")
        try server.write("w2", to: "m/1/weights")
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("echo on", model: "m").text == "w2:on")
        #expect(FileManager.default.fileExists(atPath: "\(server.folder)/cache/fake-w2.pack"))
    }

    @Test func aCacheThatCannotBeMadeAgainIsNamed() throws {
        let server = try TestServer()
        var client = try server.client()
        let cache = "\(server.folder)/cache"
        try server.write("w2", to: "m/1/weights")
        try FileManager.default.removeItem(atPath: cache)
        try Data("x".utf8).write(to: URL(fileURLWithPath: cache))
        let result = try #require(try client.reload("m").first)
        #expect(result.status == .unavailable)
        #expect(result.message == "cache_dir \(cache): it is no folder; choose another with --cache-dir")
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        try FileManager.default.removeItem(atPath: cache)
        #expect(try client.reload("m").map(\.status) == [.ok])
        #expect(try client.call("echo on", model: "m").text == "w2:on")
    }

    /// `isFile`: something else lies there then, so that it cannot be made again.
    @Test(arguments: [false, true]) func aCacheMayBeRemovedWhileAPackIsWritten(isFile: Bool) throws {
        let server = try TestServer()
        var client = try server.client()
        let cache = "\(server.folder)/cache"
        try server.write("w2", to: "m/1/weights")
        try server.write("hold-pack", to: "m/1/behaviour")
        let reload = try client.start(ControlMethod.reload.rawValue, payload: ReloadRequest(model: "m").encode())
        let deadline = ContinuousClock.now + .seconds(20)
        while try !FileManager.default.contentsOfDirectory(atPath: cache).contains(where: { $0.hasPrefix(".packing") })
        {
            try #require(ContinuousClock.now < deadline, "no pack is written")
            usleep(2000)
        }
        try FileManager.default.removeItem(atPath: cache)
        if isFile { try Data("x".utf8).write(to: URL(fileURLWithPath: cache)) }
        try server.remove("m/1/behaviour")
        let result = try #require(try ReloadResponse.decode(try client.response(reload).payload).results.first)
        if isFile {
            #expect(result.status == .unavailable)
            #expect(result.message == "cache_dir \(cache): it is no folder; choose another with --cache-dir")
            #expect(try client.call("echo on", model: "m").text == "w1:on")
        } else {
            #expect(result.status == .ok, "\(result.message)")
            #expect(try client.call("echo on", model: "m").text == "w2:on")
            #expect(try FileManager.default.contentsOfDirectory(atPath: cache) == ["fake-w2.pack"])
        }
    }
}
