import Glibc
import LinuxSystem
import Messages
import Worker

/// Does what the payloads say; each request is a step.
struct FakeEngine: Engine {
    let weights: String
    /// Whether it was told to compare the pack with its hash.
    let verifiesPack: Bool

    func prepare(_ request: ToWorker.Prepare, proceed: () -> Bool) throws(RequestFailure) -> Preparation<String> {
        let command = String(decoding: request.payload, as: UTF8.self)
        guard command != "refuse" else { throw RequestFailure(.invalidArgument, "refused") }
        if command.hasPrefix("preparing ") {
            return .answered(Array(try perform(command.dropFirst(10), goesOn: proceed).utf8))
        }
        return .work(command, tokens: command.utf8.count, sequences: 1)
    }

    func makeBatch() -> FakeBatch { FakeBatch(engine: self) }

    /// - Parameter goesOn: whether the request is still wanted; it looks at the channel.
    func perform(_ command: Substring, goesOn: () -> Bool) throws(RequestFailure) -> String {
        let words = command.split(separator: " ", maxSplits: 1)
        let rest = words.count > 1 ? words[1] : ""
        switch words.first {
        case "echo": return "\(weights):\(rest)"
        case "verifies": return "\(verifiesPack)"
        case "pid": return "\(ProcessSelf.processID)"
        case "fail": throw RequestFailure(.internal, String(rest))
        case "sleep":
            let end = ContinuousClock.now + .milliseconds(Int(rest) ?? 0)
            while ContinuousClock.now < end, goesOn() { usleep(500) }
        case "once":
            let parts = rest.split(separator: " ", maxSplits: 1)
            if open(String(parts[0]), O_CREAT | O_EXCL, 0o600) >= 0 { return try perform(parts[1], goesOn: goesOn) }
        default:
            if let outcome = Escape.attempt(command) { return outcome }
            Fault.strike(command)
        }
        return "\(weights):\(command)"
    }
}

struct FakeBatch: EngineBatch {
    let engine: FakeEngine
    private var waiting: [(id: UInt64, command: String)] = []

    init(engine: FakeEngine) { self.engine = engine }

    mutating func add(_ command: String, id: UInt64) { waiting.append((id, command)) }

    var hasMore: Bool { !waiting.isEmpty }

    mutating func step(isWanted: (UInt64) -> Bool, proceed: ([UInt64]) -> Bool) -> [EngineAnswer]? {
        guard hasMore else { return nil }
        let (id, command) = waiting.removeFirst()
        guard isWanted(id) else { return [] }
        let answer = Result { () throws(RequestFailure) in
            Array(try engine.perform(command[...]) { proceed([id]) }.utf8)
        }
        return [(id, answer)]
    }
}
