import ArgumentParser
import ModelClient

/// The mood of a live feed: posts come as lines on standard input, and a summary is printed again and again.
///
/// `client.classify(feed, …)` reads at most `--in-flight` posts ahead. When the model is slower than the feed, the feed's
/// writer is held back by its pipe, and memory does not grow.
///
///     tail -f posts.txt | examples sentiment --model sentiment
struct Sentiment: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "The mood of a live feed.")

    @OptionGroup var server: Server
    @Option(help: "How many posts are read ahead at most.")
    var inFlight = 32
    @Option(help: "Print a summary after this number of posts.")
    var every = 1000

    func run() async throws {
        try await server.withClient { client in
            var moods: [String: Int] = [:]
            var latencies: [Duration] = []
            var failures = 0
            let options = ClassifyOptions(truncation: .truncate)
            let feed = client.classify(StandardInput(), model: server.model, options: options, inFlight: inFlight)
            for await post in feed {
                switch post.result {
                case .success(let answer):
                    moods[answer.label, default: 0] += 1
                    latencies.append(post.elapsed)
                case .failure(let error):
                    // One post is not worth ending the feed.
                    failures += 1
                    print("skipped: \(error.message)")
                }
                if latencies.count >= every {
                    summarise(moods, latencies, failures)
                    latencies = []
                }
            }
            if !latencies.isEmpty || moods.isEmpty { summarise(moods, latencies, failures) }
        }
    }

    private func summarise(_ moods: [String: Int], _ latencies: [Duration], _ failures: Int) {
        let total = moods.values.reduce(0, +)
        let sorted = latencies.sorted()
        guard !sorted.isEmpty else { return print("no posts; \(failures) skipped") }
        let shares = moods.sorted { $0.key < $1.key }.map { mood, count in
            "\(mood) \(fixed(100 * Double(count) / Double(total), 0)) %"
        }
        let milliseconds = fixed(sorted[sorted.count * 99 / 100] / .milliseconds(1), 1)
        print("\(total) posts: \(shares.joined(separator: ", ")); p99 \(milliseconds) ms; \(failures) skipped")
    }
}
