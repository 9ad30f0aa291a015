import Foundation
import LinuxSystem
import ModelFiles
import TestSupport
import Testing

/// Variants of less precision, packed and served by real processes.
@Suite(.timeLimit(.minutes(3))) struct ModelctlVariantTests {
    private func configure(_ server: ModelServer, _ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: "\(server.repository)/sentiment/config.yaml"))
    }

    @Test func everyVariantAnswersAndSaysWhatItKeeps() throws {
        let server = try ModelServer.ready()
        try configure(server, "variants: [fp32, bf16, int8]\n")
        let reload = try server.modelctl("reload", "sentiment")
        #expect(reload.exit.isSuccess, "\(reload.errors)")
        var scores: [Double] = []
        for variant in ["fp32", "bf16", "int8"] {
            let run = try server.modelctl("classify", "sentiment:\(variant)", "a good day", "--json")
            #expect(run.exit.isSuccess, "\(run.errors)")
            let answer = try #require(try run.json.first as? [[String: Any]])
            scores.append(try #require(answer.first?["score"] as? Double))
        }
        #expect(scores[1] != scores[0] && abs(scores[1] - scores[0]) < 0.01)
        #expect(scores[2] != scores[0] && abs(scores[2] - scores[0]) < 0.05)

        let status = try #require(try server.modelctl("status", "--json", "-v").json.first as? [String: Any])
        let models = try #require(status["models"] as? [[String: Any]]).filter { $0["name"] as? String == "sentiment" }
        #expect(models.map { $0["variant"] as? String } == ["fp32", "bf16", "int8"])
        let cosines = models.map { ($0["quality"] as? [String: Any])?["mean_cosine"] as? Double }
        #expect(cosines[0] == nil)
        #expect(try #require(cosines[1]) > #require(cosines[2]))
        let sizes = models.compactMap { $0["pack_bytes"] as? Int }
        #expect(sizes.count == 3 && sizes[0] > sizes[1] && sizes[1] > sizes[2])
        #expect(try server.modelctl("status", "-v").output.contains("against fp32 on 64 texts: mean cosine "))
        let cache = try server.modelctl("cache", "list").output
        #expect(cache.contains("sentiment@1:int8"))
        let pruned = try server.modelctl("cache", "prune", "--json")
        #expect(pruned.output.hasPrefix("{\"removed\":[],"), "all packs are in use: \(pruned.output)")
    }

    /// A limit on the size of files is what a full disk is to posix_fallocate: no blocks.
    @Test func aPackThatHasNoRoomIsAnErrorAndTheOthersServe() throws {
        // Its int8 pack is larger than the file that ThreadSanitizer's runtime makes in each process, half a megabyte.
        var classifier = SeededCheckpoint(family: .distilBERT, vocabulary: 16_000)
        classifier.labels = 3
        let server = try ModelServer(models: ["sentiment/1": classifier])
        try server.waitUntilReady()
        try configure(server, "variants: [fp32, int8]\n")
        let status = try #require(try server.modelctl("status", "--json", "-v").json.first as? [String: Any])
        let pid = try #require(status["pid"] as? Int)
        func limitFiles(_ bytes: String) throws {
            // With the colon, the soft limit alone: it can be raised again.
            let command = ChildCommand("/usr/bin/prlimit", arguments: ["--pid", "\(pid)", "--fsize=\(bytes):"])
            var process = try TestProcess.start(command)
            try #require(try process.exit(within: 10).isSuccess)
        }
        try limitFiles("700000")
        let reload = try server.modelctl("reload", "sentiment")
        #expect(reload.exit == .exited(1))
        #expect(reload.errors.contains("bytes in the cache folder: File too large"), "\(reload.errors)")
        #expect(reload.errors.contains("modelctl cache prune"))
        #expect(try server.modelctl("classify", "sentiment", "a good day").exit.isSuccess)
        let files = try FileManager.default.contentsOfDirectory(atPath: "\(server.folder)/cache")
        #expect(files.allSatisfy { $0.hasSuffix(".pack") }, "left behind: \(files)")

        try limitFiles("unlimited")
        #expect(try server.modelctl("reload", "sentiment").exit.isSuccess)
        #expect(try server.modelctl("classify", "sentiment:int8", "a good day").exit.isSuccess)
    }

    @Test func aVariantBelowTheFloorIsRefusedAndTheOthersServe() throws {
        let server = try ModelServer.ready()
        try configure(server, "variants: [fp32, int8]\nquality:\n  min_cosine: 1\n")
        let reload = try server.modelctl("reload", "sentiment")
        #expect(reload.exit == .exited(1))
        #expect(reload.errors.contains("sentiment@1:int8 was not reloaded, nothing serves"))
        #expect(reload.errors.contains("int8 keeps too little of fp32 on 64 texts: mean cosine 0.9"))
        #expect(reload.errors.contains("(quality.min_cosine 1.000000)"))
        #expect(try server.modelctl("classify", "sentiment", "a good day", "--json").exit.isSuccess)
        let refused = try server.modelctl("classify", "sentiment:int8", "a good day", "--json")
        #expect(refused.exit == .exited(1))
        #expect(refused.output.contains("UNAVAILABLE") || refused.output.contains("FAILED_PRECONDITION"))
    }

    @Test func enablingAVariantThatIsRefusedBreaksNothing() throws {
        let server = try ModelServer.ready()
        try configure(server, "variants: [int8, fp32]\nquality:\n  min_cosine: 1\n")
        #expect(try server.modelctl("reload", "sentiment").exit == .exited(1))
        let answer = try server.modelctl("classify", "sentiment", "a good day")
        #expect(answer.exit.isSuccess, "\(answer.errors)")
        try configure(server, "variants: [int8, fp32]\n")
        #expect(try server.modelctl("reload", "sentiment").exit.isSuccess)
        let bare = try server.modelctl("classify", "sentiment", "a good day", "--json")
        #expect(try bare.output == server.modelctl("classify", "sentiment:int8", "a good day", "--json").output)
    }

    @Test func weightsThatLoseTooMuchAreKeptInMoreBits() throws {
        let server = try ModelServer.ready()
        try Data("only this text\nand this one\n".utf8)
            .write(to: URL(fileURLWithPath: "\(server.repository)/sentiment/texts.txt"))
        func quality() throws -> [String: Any] {
            let status = try #require(try server.modelctl("status", "--json", "-v").json.first as? [String: Any])
            let models = try #require(status["models"] as? [[String: Any]])
            return try #require(models.first { $0["variant"] as? String == "int8" }?["quality"] as? [String: Any])
        }
        let common = "variants: [fp32, int8]\nquality:\n  calibration_file: texts.txt\n"
        try configure(server, common + "  min_cosine: 0.5\n")
        #expect(try server.modelctl("reload", "sentiment").exit.isSuccess)
        let plain = try quality()
        #expect(plain["texts"] as? Int == 2)
        #expect((plain["exceptions"] as? [String])?.isEmpty == true)
        let cosine = try #require(plain["mean_cosine"] as? Double)

        // Half of what is lost has to come back.
        try configure(server, common + "  min_cosine: \(1 - (1 - cosine) / 2)\n")
        let reload = try server.modelctl("reload", "sentiment")
        #expect(reload.exit.isSuccess, "\(reload.errors)")
        let better = try quality()
        #expect(try #require(better["mean_cosine"] as? Double) >= 1 - (1 - cosine) / 2)
        #expect((better["exceptions"] as? [String])?.isEmpty == false)
    }
}
