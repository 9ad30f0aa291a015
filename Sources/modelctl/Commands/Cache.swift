import ArgumentParser
import JSON
import ModelClient

/// `modelctl cache`.
struct Cache: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Looks after the server's cache of packed weights.",
        discussion: """
            Weights are packed once for each variant and kind of machine, and all workers map the same file. Packs that \
            nothing serves from can be removed; they are made again when they are needed. 'cache_max_bytes' in the \
            server's configuration does so by itself.
            """,
        subcommands: [CacheList.self, CachePrune.self]
    )
}

/// `modelctl cache list`.
struct CacheList: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list",
        abstract: "Shows the packs, the most recently used first.",
        discussion: """
            With --json one line {"path","limit_bytes","packs":[{"key","bytes","last_used","models"}]}; "limit_bytes" is \
            null when there is no limit, "last_used" counts seconds since 1970.
            """
    )

    @OptionGroup var server: ServerOptions

    func run() async throws {
        let cache = try await server.withClient { client in try await client.packCache() }
        server.show(cache, PackText.lines(cache))
    }
}

/// `modelctl cache prune`.
struct CachePrune: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "prune",
        abstract: "Removes packs that nothing serves from, the least recently used first.",
        discussion: """
            With --json one line {"removed":[{"key","bytes","last_used","models"}],"bytes"}; "bytes" is what is left.
            """
    )

    @Option(help: ArgumentHelp("What may be left, in MiB. (default: only what is in use)", valueName: "MiB"))
    var keep = 0
    @OptionGroup var server: ServerOptions

    func validate() throws {
        guard (0...(1 << 40)).contains(keep) else { throw ValidationError("--keep should not be negative.") }
    }

    func run() async throws {
        let outcome = try await server.withClient { client in try await client.prunePackCache(to: keep << 20) }
        let count = outcome.removed.count == 1 ? "1 pack" : "\(outcome.removed.count) packs"
        server.show(
            JSONText.object(["removed": outcome.removed, "bytes": outcome.bytes]),
            outcome.removed.map { "removed \(HumanText.printable($0.key)), \(HumanText.bytes($0.bytes))" }
                + ["\(count) removed, \(HumanText.bytes(outcome.bytes)) left"]
        )
    }
}

/// Packs for people.
private enum PackText {
    static func lines(_ cache: PackCache) -> [String] {
        let total = HumanText.bytes(cache.packs.reduce(0) { $0 + $1.bytes })
        let limit = cache.limitBytes.map { "at most \(HumanText.bytes($0))" } ?? "no limit"
        let heading = "\(HumanText.printable(cache.path)): \(total), \(limit)"
        guard !cache.packs.isEmpty else { return [heading] }
        var table = Table([.text("PACK"), .number("SIZE"), .text("LAST USED"), .text("SERVES")])
        for pack in cache.packs {
            let models = pack.models.isEmpty ? "-" : pack.models.joined(separator: ", ")
            table.add([
                pack.key, HumanText.bytes(pack.bytes), HumanText.date(.seconds(pack.lastUsed), "%Y-%m-%d %H:%M"),
                models,
            ])
        }
        return [heading, ""] + table.lines
    }
}

extension PackCache: JSONWritable {
    package var json: String {
        JSONText.object(["path": path, "limit_bytes": limitBytes, "packs": packs]).json
    }
}

extension CachedPack: JSONWritable {
    package var json: String {
        JSONText.object(["key": key, "bytes": bytes, "last_used": lastUsed, "models": models]).json
    }
}
