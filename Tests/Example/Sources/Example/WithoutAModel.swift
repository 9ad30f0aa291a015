import ModelClient
import ModelClientTesting

/// What an app's own test would do: canned answers, and a connection that breaks in the middle of one.
func withoutAModel() async throws {
    try await withFakeModelServer { server in
        server.onClassify("sentiment") { $0.text.contains("love") ? .label("POSITIVE") : .label("NEGATIVE") }
        server.onTag("ner") { _ in [("PER", "Ada")] }
        server.inject(.cutAnswer)
        try await withModelClient(at: server.socketPath) { client in
            let texts = ["I love it", "Never again"]
            let results = await client.batch(texts) { try await $0.classify($1, model: "sentiment") }.results()
            let labels = try results.map { try $0.get().label }
            // The call whose answer was cut came again, and perhaps the other one, which shared its connection.
            guard labels == ["POSITIVE", "NEGATIVE"], (3...4).contains(server.requests.count) else {
                throw Mistake("the fake server was asked \(server.requests.count) times and answered \(labels)")
            }

            let text = "Dear Ada, …"
            let entities = try await client.tag(text, model: "ner").entities
            guard entities.map({ text[$0.range] }) == ["Ada"] else {
                throw Mistake("the fake server found \(entities.map(\.text)) in '\(text)'")
            }
        }
        print("the fake server was asked \(server.requests.count) times")
    }
}
