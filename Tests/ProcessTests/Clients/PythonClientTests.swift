import Foundation
import LinuxSystem
import ModelClient
import TestSupport
import Testing

/// The client in Python, which shares nothing with ours but `proto/`: a second opinion about the wire.
@Suite(.enabled(if: !PythonClient.installed.isEmpty, "run ops/clients/python/tests/setup"), .timeLimit(.minutes(5)))
struct PythonClientTests {
    @Test func itHasTheAnswersOfOurClientToEveryTask() async throws {
        let server = try TaskServingTests.server()
        let calls = try await withModelClient(at: server.socket) { client in
            try await PythonCall.ofEveryTask(client)
        }
        #expect(Set(calls.map(\.name)) == PythonCall.names)
        let lines = try calls.map { try $0.line }
        let input = lines.map { "\($0)\n" }.joined()
        for python in PythonClient.installed {
            let run = try python.run("ask.py", socket: server.socket, folder: server.folder, input: input)
            #expect(run.exit.isSuccess, "\(python): \(run.errors)")
            let answers = try run.json
            try #require(answers.count == calls.count, "\(python): \(run.errors)")
            for ((call, line), answer) in zip(zip(calls, lines), answers) {
                let found = PythonCall.differences(call.answer, answer, call.name)
                #expect(found.isEmpty, "\(python), \(line): \(found.prefix(5))")
            }
        }
    }

    @Test(arguments: PythonClient.installed) func itsOwnTestsPass(_ python: PythonClient) throws {
        let server = try ModelServer.ready()
        for script in ["test_server.py", "test_connection.py"] {
            let run = try python.run(script, socket: server.socket, folder: server.folder)
            #expect(run.exit.isSuccess, "\(script): \(run.errors)")
            #expect(run.errors.contains("\nOK\n"), "\(script): \(run.errors)")
        }
    }

    /// modeld says GoAway and ends; the next call finds the one after it.
    @Test(arguments: PythonClient.installed) func itFindsTheServerAfterARestart(_ python: PythonClient) throws {
        let server = try TestServer()
        let requests = try OwnedDescriptor.pipe()
        let answers = try OwnedDescriptor.pipe()
        let errors = try OwnedDescriptor.open("\(server.folder)/errors", flags: O_WRONLY | O_CREAT)
        let process = try python.start(
            "ask.py",
            socket: server.socket,
            folder: server.folder,
            descriptors: [0: requests.reading.rawValue, 1: answers.writing.rawValue, 2: errors.rawValue]
        )
        var lines = PipeLines(answers.reading)
        func pid() throws -> Int? {
            let line = Array("{\"call\":\"status\"}\n".utf8)
            _ = try line.withUnsafeBytes { try requests.writing.write($0) }
            let answer = try JSONSerialization.jsonObject(with: Data(try lines.next().utf8)) as? [String: Any]
            return answer?["pid"] as? Int
        }
        let first = try #require(try pid())
        try server.signal(.terminate)
        #expect(try server.waitForExit().isSuccess)
        try server.start()
        let second = try #require(try pid())
        #expect(first != second)
        _ = process
    }
}
