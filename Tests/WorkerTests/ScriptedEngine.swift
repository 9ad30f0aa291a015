import Messages
import Worker

/// An engine that does what a test says. A request is its payload's text, which has as many tokens as characters, and is
/// answered with the same in capitals.
final class ScriptedEngine: Engine {
    /// What preparing a text comes to, if it is not work.
    var onPrepare: (String) throws(RequestFailure) -> Preparation<String>? = { _ in nil }
    /// What happens while a text is prepared.
    var onPreparing: (_ text: String, _ proceed: () -> Bool) -> Void = { _, _ in }
    /// The texts that were begun to be prepared.
    private(set) var preparations: [String] = []
    /// What happens in a step. The step's texts are separated by spaces.
    var onStep: (_ texts: String, _ proceed: () -> Bool) -> Void = { _, _ in }
    /// What a text is answered with, if it is not its capitals; nil: nothing.
    var onAnswer: (String) -> Result<[UInt8], RequestFailure>? = { .success(Array($0.uppercased().utf8)) }
    /// How many requests a step has.
    var stepRequests = 1
    /// The texts of the steps that were begun.
    fileprivate(set) var steps: [String] = []

    func prepare(_ request: ToWorker.Prepare, proceed: () -> Bool) throws(RequestFailure) -> Preparation<String> {
        let text = String(decoding: request.payload, as: UTF8.self)
        preparations.append(text)
        onPreparing(text, proceed)
        return try onPrepare(text) ?? .work(text, tokens: text.count, sequences: 1)
    }

    /// Forgets what the test said, and with it the test.
    func forget() {
        onPrepare = { _ in nil }
        onPreparing = { _, _ in }
        onStep = { _, _ in }
    }

    func makeBatch() -> ScriptedBatch { ScriptedBatch(engine: self) }
}

struct ScriptedBatch: EngineBatch {
    fileprivate let engine: ScriptedEngine
    private var waiting: [(id: UInt64, text: String)] = []

    fileprivate init(engine: ScriptedEngine) { self.engine = engine }

    mutating func add(_ text: String, id: UInt64) { waiting.append((id, text)) }

    var hasMore: Bool { !waiting.isEmpty }

    mutating func step(isWanted: (UInt64) -> Bool, proceed: ([UInt64]) -> Bool) -> [EngineAnswer]? {
        guard hasMore else { return nil }
        let items = waiting.prefix(engine.stepRequests).filter { isWanted($0.id) }
        waiting = Array(waiting.dropFirst(engine.stepRequests))
        guard !items.isEmpty else { return [] }
        let texts = items.map(\.text).joined(separator: " ")
        engine.steps.append(texts)
        var isAbandoned = false
        engine.onStep(texts) {
            if !proceed(items.map(\.id)) { isAbandoned = true }
            return !isAbandoned
        }
        guard !isAbandoned else { return [] }
        return items.compactMap { item in engine.onAnswer(item.text).map { (item.id, $0) } }
    }
}
