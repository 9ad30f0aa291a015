import ArgumentParser
import JSON
import ModelClient

/// `modelctl drain`.
struct Drain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a model, or the whole server, take no new requests.",
        discussion: """
            They are refused as unavailable. What was accepted is answered; workers and connections stay. It holds over \
            reloads, until --undo or the server's end. A name without a version means another one that is not drained, if \
            there is one. With --json one line {"models"}.
            """
    )

    @Argument(help: "The model, as in 'minilm' or 'minilm@2:int8'. (default: the whole server)")
    var model: String?
    @Flag(help: "Take requests again.")
    var undo = false
    @OptionGroup var server: ServerOptions

    func run() async throws {
        let models = try await server.withClient { client in try await client.drain(model: model, undo: undo) }
        let takes = undo ? "takes requests again" : "takes no new requests"
        let names = model == nil ? ["the server"] : models.map { HumanText.printable($0) }
        server.show(JSONText.object(["models": models]), names.map { "\($0) \(takes)" })
    }
}
