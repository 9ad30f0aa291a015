import Foundation
import LinuxSystem
import ModelClient
import Testing

/// `modelctl classify|embed|features|tokenize` against a real server.
@Suite(.timeLimit(.minutes(10))) struct ModelctlTaskTests {
    @Test func answersAreTheLibrarysInTransformersForm() async throws {
        let server = try ModelServer.ready()
        let text = "héllo 👩‍👧 wörld \"quoted\""
        try await withModelClient(at: server.socket) { client in
            let best = try #require(
                try server.modelctl("classify", "sentiment", text, "--json").json.first as? [[String: Any]]
            )
            let all = try #require(
                try server.modelctl("classify", "sentiment", text, "--json", "--top-k", "all").json.first
                    as? [[String: Any]]
            )
            let options = ClassifyOptions(labels: .all)
            let expected = try await client.classify(text, model: "sentiment", options: options)
            #expect(best.count == 1)
            #expect(best.first.map { Set($0.keys) } == ["label", "score"])
            #expect(all.compactMap { $0["label"] as? String } == expected.scores.map(\.label))
            #expect(all.compactMap { ($0["score"] as? NSNumber)?.floatValue } == expected.scores.map(\.score))

            let vector = try server.modelctl("embed", "encoder", text, "--json")
            let values = try #require(try vector.json.first as? [NSNumber])
            #expect(values.map(\.floatValue) == (try await client.embed(text, model: "encoder")).values)
            #expect(vector.lines.count == 1)

            let rows = try #require(
                try server.modelctl("features", "encoder", text, "--json").json.first as? [[NSNumber]]
            )
            let features = try await client.features(text, model: "encoder")
            #expect(rows.count == features.tokens)
            #expect(rows.flatMap { $0.map(\.floatValue) } == features.values)

            let tokens = try #require(
                try server.modelctl("tokenize", "encoder", text, "--json").json.first as? [String: Any]
            )
            let encoding = try await client.tokenize(text, model: "encoder")
            #expect(Set(tokens.keys) == ["ids", "offsets"])
            #expect(tokens["ids"] as? [Int] == encoding.ids)
            #expect(tokens["offsets"] as? [[Int]] == encoding.offsets.map { [$0.lowerBound, $0.upperBound] })
        }
    }

    @Test func manyLinesAreAnsweredInOrder() throws {
        let server = try ModelServer.ready()
        // As many tokens as the line's number says, so that an answer tells whose it is.
        let counts = (0..<300).map { $0 * 37 % 101 + 1 }
        let input = counts.map { "\"" + String(repeating: "a ", count: $0) + "\"\n" }.joined()
        let run = try server.modelctl("tokenize", "encoder", "--file", "-", "--json", input: input)
        #expect(run.exit.isSuccess, "\(run.errors)")
        #expect(try run.json.map { (($0 as? [String: Any])?["ids"] as? [Int])?.count } == counts.map { $0 + 2 })
    }

    @Test func aLineThatFailsHasAnErrorInItsPlace() throws {
        let server = try ModelServer.ready()
        let tooLong = String(repeating: "a ", count: 600)
        let lines = [
            "\"fine\"", "not json", "{\"text\":\"a\",\"text_pair\":\"b\"}", "{\"txt\":1}", "{\"text\":null}", "", "[1]",
            "\"\(tooLong)\"", "\"nul \\u0000\"", "\"\"", "\"\\ud800\"", "{\"text\":\"no end",
        ]
        let run = try server.modelctl(
            "classify",
            "sentiment",
            "given",
            "--file",
            "-",
            "--json",
            input: lines.joined(separator: "\n")
        )
        #expect(run.exit == .exited(1))
        let answers = try run.json
        let failed = answers.map { answer -> Bool in
            guard let error = (answer as? [String: Any])?["error"] as? [String: String] else { return false }
            return error["code"] == "INVALID_ARGUMENT" && error["message"]?.isEmpty == false
        }
        // The given text, then the lines without the empty one.
        #expect(failed == [false, false, true, false, true, true, true, true, true, true, true, true])
        #expect(run.lines[2].contains("line 2: this is not JSON"))
        #expect(run.lines[4].contains("has no \\\"text\\\""))
    }

    @Test func anAnswerIsPrintedWhileTheInputStaysOpen() throws {
        let server = try ModelServer.ready()
        let input = try OwnedDescriptor.pipe()
        let output = try OwnedDescriptor.pipe()
        var process = try server.start(
            ["tokenize", "encoder", "--file", "-", "--json"],
            descriptors: [0: input.reading.rawValue, 1: output.writing.rawValue]
        )
        var lines = PipeLines(output.reading)
        let writer = FileHandle(fileDescriptor: input.writing.rawValue, closeOnDealloc: false)
        for _ in 0..<3 {
            try writer.write(contentsOf: Data("\"a\"\n".utf8))
            #expect(try lines.next().hasPrefix("{\"ids\":[2,"))
        }
        input.writing.close()
        #expect(try process.exit(within: 30).isSuccess)
    }

    @Test func peopleSeeTablesAndScores() throws {
        let server = try ModelServer.ready()
        let table = try server.modelctl("embed", "encoder", "one", "one", "two b")
        #expect(table.exit.isSuccess, "\(table.errors)")
        #expect(table.lines.count == 6)
        #expect(table.lines[1].hasPrefix("(1)  one    1.000  1.000  "))
        #expect(table.lines.last == "Cosine similarity of vectors of 64 dimensions.")
        let single = try server.modelctl("embed", "encoder", "one")
        #expect(single.output.contains("64 dimensions, length "))
        let labels = try server.modelctl("classify", "sentiment", "one", "--top-k", "2").lines
        #expect(labels.count == 2)
        #expect(labels.allSatisfy { $0.hasPrefix("LABEL_") })
        let hostile = try server.modelctl("tokenize", "encoder", "a \u{1B}[2J b")
        #expect(!hostile.output.contains("\u{1B}"), "nothing of a text reaches the terminal as a command")
        #expect(hostile.output.contains("[CLS]"))
    }

    @Test func refusalsAreOneLineAndAStatus() throws {
        let server = try ModelServer.ready()
        let unknown = try server.modelctl("embed", "nope", "text")
        #expect(unknown.exit == .exited(1))
        #expect(unknown.output.isEmpty)
        #expect(unknown.errors.hasPrefix("modelctl: NOT_FOUND: "))
        let noHead = try server.modelctl("classify", "encoder", "text", "--json")
        #expect(noHead.exit == .exited(1))
        #expect(noHead.errors.isEmpty)
        #expect(noHead.lines.count == 1)
        #expect(noHead.output.contains("{\"error\":{\"code\":\""))
        let noFile = try server.modelctl("embed", "encoder", "--file", "\(server.folder)/none")
        #expect(noFile.exit == .exited(66))
        #expect(noFile.errors.contains("\(server.folder)/none"))
        for arguments in [
            ["embed"], ["embed", "encoder"], ["embed", "encoder", "a", "b", "--text-pair", "c"],
            ["classify", "sentiment", "a", "--top-k", "0"], ["embed", "encoder", "a", "--timeout", "nan"],
            ["embed", "encoder", "a", "--concurrency", "0"], ["embed", "encoder", "a", "--sockett", "x"],
            ["bench", "encoder", "--connections", "0"],
            ["status", "--socket", String(repeating: "x", count: 108)],
        ] {
            let run = try ModelServer.modelctl(arguments, socket: server.socket, folder: server.folder)
            #expect(run.exit == .exited(64), "\(arguments): \(run.errors)")
            #expect(run.output.isEmpty)
        }
    }

    @Test func aReaderThatGoesAwayEndsItQuietly() throws {
        let server = try ModelServer.ready()
        let errors = "\(server.folder)/errors"
        let errorFile = try OwnedDescriptor.open(errors, flags: O_WRONLY | O_CREAT)
        let inputs = "\(server.folder)/inputs"
        let text = String(repeating: "\"some words\"\n", count: 2000)
        try Data(text.utf8).write(to: URL(fileURLWithPath: inputs))
        var output = try OwnedDescriptor.pipe()
        var process = try server.start(
            ["embed", "encoder", "--json", "--file", inputs],
            descriptors: [1: output.writing.rawValue, 2: errorFile.rawValue]
        )
        output.writing = try OwnedDescriptor.open("/dev/null")
        output.reading = try OwnedDescriptor.open("/dev/null")
        #expect(try process.exit(within: 30) == .killed(Signal(rawValue: SIGPIPE), coreDumped: false))
        #expect(try FileContents.read(errors).isEmpty)
    }
}
