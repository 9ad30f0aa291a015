import ArgumentParser
import Foundation
import ModelClient

/// A client of a running server as a contender of `ops/bench/call` and `ops/bench/neighbour`: `run WORKLOAD` classifies
/// its text over the socket and answers the milliseconds that the whole call took, `repeat WORKLOAD SECONDS` those of call
/// after call; `answer WORKLOAD` the number of its tokens.
struct CallContender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "call-contender",
        abstract: "A client's side of ops/bench/call, driven by lines on standard input."
    )

    @Argument(help: "The server's Unix socket.")
    var socket: String

    @Argument(help: "The model, as in 'distilbert-base:int8'.")
    var model: String

    @Argument(help: "A JSON file: texts by the workload's name.")
    var texts: String

    func run() async throws {
        let file = try Data(contentsOf: URL(filePath: texts))
        let texts = try JSONDecoder().decode([String: String].self, from: file)
        try await withModelClient(at: socket) { client in
            await LineProtocol.serve { command, argument in
                let words = argument.split(separator: " ")
                let name = words.first.map(String.init) ?? ""
                guard let text = texts[name] else { throw LineProtocol.Unknown(description: "no text \(name)") }
                switch command {
                case "run":
                    return try await LineProtocol.milliseconds { _ = try await client.classify(text, model: model) }
                case "repeat":
                    guard let seconds = words.last.flatMap({ Double($0) }) else {
                        throw LineProtocol.Unknown(description: "no number of seconds in '\(argument)'")
                    }
                    return try await LineProtocol.milliseconds(for: seconds) {
                        _ = try await client.classify(text, model: model)
                    }
                case "answer":
                    let answer = try await client.classify(text, model: model)
                    return "{\"tokens\":\(answer.tokens)}"
                default: throw LineProtocol.Unknown(description: "no command \(command)")
                }
            }
        }
    }
}
