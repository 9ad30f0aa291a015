import Foundation

/// How `ops/bench` drives one contender of a comparison: one command per line on standard input, one answer per line on
/// standard output. The process says `ready` first, and ends with its input.
///
/// Contenders take turns at single passes, so that a change of the machine's clock or load meets them all alike. The
/// peers' side is `ops/bench/peer.py`.
enum LineProtocol {
    /// Answers lines until there are no more. An error is the answer `error …`.
    static func serve(_ answer: (_ command: Substring, _ argument: String) async throws -> String) async {
        say("ready")
        while let line = readLine() {
            let words = line.split(separator: " ", maxSplits: 1)
            guard let command = words.first else { continue }
            do {
                say(try await answer(command, words.count > 1 ? String(words[1]) : ""))
            } catch {
                say("error \(error)")
            }
        }
    }

    /// The time that `body` takes, as an answer in milliseconds.
    static func milliseconds(_ body: () async throws -> Void) async rethrows -> String {
        let began = ContinuousClock.now
        try await body()
        return String((ContinuousClock.now - began) / .milliseconds(1))
    }

    /// The times that `body` takes, again and again for `seconds`, as a JSON list of milliseconds.
    static func milliseconds(for seconds: Double, _ body: () async throws -> Void) async rethrows -> String {
        var times: [String] = []
        let began = ContinuousClock.now
        while ContinuousClock.now - began < .seconds(seconds) { times.append(try await milliseconds(body)) }
        return "[" + times.joined(separator: ",") + "]"
    }

    struct Unknown: Error, CustomStringConvertible {
        let description: String
    }

    private static func say(_ line: String) {
        FileHandle.standardOutput.write(Data((line + "\n").utf8))
    }
}
