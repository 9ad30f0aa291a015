/// A template with its special tokens resolved to ids.
struct Template: Sendable {
    enum Piece: Sendable {
        case special(id: Int32, typeID: Int32)
        case first(typeID: Int32)
        case second(typeID: Int32)
    }

    let pieces: [Piece]
    /// How many tokens it adds.
    let specialCount: Int

    init(
        _ pieces: [TemplatePiece],
        isPair: Bool,
        _ resolve: (_ role: String, _ token: String) throws(TokenizationError) -> Int32
    ) throws(TokenizationError) {
        var resolved: [Piece] = []
        var firsts = 0
        var seconds = 0
        var specials = 0
        for piece in pieces {
            switch piece {
            case .special(let token, let typeID):
                resolved.append(.special(id: try resolve("template", token), typeID: typeID))
                specials += 1
            case .first(let typeID):
                resolved.append(.first(typeID: typeID))
                firsts += 1
            case .second(let typeID):
                resolved.append(.second(typeID: typeID))
                seconds += 1
            }
        }
        guard firsts == 1, seconds == (isPair ? 1 : 0) else {
            throw TokenizationError(
                .invalidSpecification,
                "the template for \(isPair ? "a pair" : "one text") uses the first text \(firsts) times and the second "
                    + "\(seconds) times: it must use \(isPair ? "each once" : "the first once")"
            )
        }
        self.pieces = resolved
        specialCount = specials
    }
}
