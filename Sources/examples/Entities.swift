import ArgumentParser
import ModelClient

/// Who and what a stream of texts is about: the names in it, counted.
///
///     ops/fetch-entities-model ~/.cache/distillery/entities    # a repository with one model, `rampart`
///     examples entities --model rampart < letters.txt
///
/// That model finds personal details (names, addresses, telephone and account numbers), as a program does that takes them
/// out of texts before it sends these elsewhere: "Ada Lovelace lives at 12 Market Street" has
///
///     1 BUILDING_NUMBER 12
///     1 GIVEN_NAME Ada
///     1 SURNAME Lovelace
///     1 STREET_NAME Market Street
///     4 names
///
/// Any other token classifier does, such as one of persons, places and organisations. The label of a word's first piece is
/// the word's (`aggregation: .first`): pieces by themselves would cut "Lovelace" in two.
struct Entities: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The names in a stream of texts, counted.")

    @OptionGroup var server: Server
    @Option(help: "The least score of a name.")
    var threshold: Float = 0.5

    /// A name and what it is.
    struct Name: Hashable {
        var label: String
        var text: String
    }

    func run() async throws {
        try await server.withClient { client in
            var counts: [Name: Int] = [:]
            let options = TagOptions(aggregation: .first, truncation: .windows)
            for await article in client.tag(StandardInput(), model: server.model, options: options) {
                for entity in try article.answer.entities where entity.score >= threshold {
                    counts[Name(label: entity.label, text: entity.text), default: 0] += 1
                }
            }
            let sorted = counts.sorted { ($1.value, $0.key.text) < ($0.value, $1.key.text) }
            for (name, count) in sorted { print(count, name.label, name.text) }
            print("\(counts.count) names")
        }
    }
}
