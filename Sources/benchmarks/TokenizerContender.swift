import ArgumentParser
import Foundation
import ModelFiles
import Tokenization

/// The tokenizer as a contender of `ops/bench/tokenizer`: `run` tokenises all texts on one thread and answers the
/// milliseconds; `answer` the ids of every text.
struct TokenizerContender: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer-contender",
        abstract: "The tokenizer's side of ops/bench/tokenizer, driven by lines on standard input."
    )

    @Argument(help: "A folder with tokenizer.json or vocab.txt.")
    var tokenizer: String

    @Argument(help: "Texts, a JSON string a line.")
    var texts: String

    func run() async throws {
        let tokenizer = try Tokenizer(try TokenizerFiles.load(directory: tokenizer))
        let texts = try String(contentsOfFile: texts, encoding: .utf8).split(separator: "\n").map {
            Array(try JSONDecoder().decode(String.self, from: Data($0.utf8)).utf8)
        }
        var ids: [Int32] = []
        var types: [Int32] = []
        /// As a worker tokenises a request, into arrays of its own.
        func encode(_ text: [UInt8]) throws {
            ids.removeAll(keepingCapacity: true)
            types.removeAll(keepingCapacity: true)
            try text.withUnsafeBufferPointer { bytes in
                _ = try tokenizer.encodeIDs(bytes, into: &ids, typeIDs: &types)
            }
        }
        await LineProtocol.serve { command, _ in
            switch command {
            case "run":
                return try await LineProtocol.milliseconds {
                    for text in texts { try encode(text) }
                }
            case "answer":
                let all = try texts.map { text in
                    try encode(text)
                    return ids
                }
                return String(decoding: try JSONEncoder().encode(all), as: UTF8.self)
            default: throw LineProtocol.Unknown(description: "no command \(command)")
            }
        }
    }
}
