/// How a caller names a model: `name`, `name@2`, `name:int8` or `name@2:int8`.
///
/// Without a version the server's version policy chooses; without a variant, the model's default does.
package struct ModelReference: Sendable, Hashable {
    /// The folder's name in the model repository.
    package var name: String
    /// A numeric version, from 1.
    package var version: UInt64?
    /// The precision, as in `fp32`.
    package var variant: String?

    package init(name: String, version: UInt64? = nil, variant: String? = nil) {
        self.name = name
        self.version = version
        self.variant = variant
    }

    /// The most characters of a name.
    package static let maximumNameLength = 128
    /// The most characters of a variant.
    package static let maximumVariantLength = 32

    /// Parses a reference.
    ///
    /// A name is 1–128 of `A–Z a–z 0–9 . _ -`, not starting with `.` or `-`; a version is a whole number from 1, without zeros before it; a
    /// variant is 1–32 of `a–z 0–9 _`.
    ///
    /// - Throws: `WireError` of kind `invalidValue` that quotes the reference and says what is allowed.
    package init(parsing reference: String) throws(WireError) {
        func refuse(_ reason: String) -> WireError {
            let shown = reference.utf8.count <= 160 ? reference : String(reference.prefix(160)) + "…"
            return WireError(
                .invalidValue,
                field: "model",
                "'\(shown)' is not a model reference: \(reason); write name, name@2, name:int8 or name@2:int8"
            )
        }
        var rest = reference.utf8[...]
        var variant: String?
        if let colon = rest.firstIndex(of: UInt8(ascii: ":")) {
            let text = rest[rest.index(after: colon)...]
            guard !text.isEmpty else { throw refuse("the variant after ':' is missing") }
            guard text.count <= Self.maximumVariantLength, text.allSatisfy(Self.isVariantCharacter) else {
                throw refuse("a variant is at most \(Self.maximumVariantLength) of a–z, 0–9 and _")
            }
            variant = String(Substring(text))
            rest = rest[..<colon]
        }
        var version: UInt64?
        if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
            let text = rest[rest.index(after: at)...]
            guard !text.isEmpty else { throw refuse("the version after '@' is missing") }
            // One text for a version, so that nobody can make up any number of names for a model.
            guard text.allSatisfy({ 48...57 ~= $0 }), text.first != 48, let number = UInt64(Substring(text)) else {
                throw refuse("a version is a whole number from 1, without zeros before it")
            }
            version = number
            rest = rest[..<at]
        }
        guard let first = rest.first else { throw refuse("the name is missing") }
        guard rest.count <= Self.maximumNameLength else {
            throw refuse("a name has at most \(Self.maximumNameLength) characters")
        }
        guard rest.allSatisfy(Self.isNameCharacter), first != UInt8(ascii: "."), first != UInt8(ascii: "-") else {
            throw refuse("a name is made of A–Z, a–z, 0–9, '.', '_' and '-', and starts with none of '.' and '-'")
        }
        self.init(name: String(Substring(rest)), version: version, variant: variant)
    }

    private static func isVariantCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
    }

    private static func isNameCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "."), UInt8(ascii: "-"): true
        default: isVariantCharacter(byte)
        }
    }
}

extension ModelReference: CustomStringConvertible {
    /// The reference as it travels: `name@2:fp32`.
    package var description: String {
        name + (version.map { "@\($0)" } ?? "") + (variant.map { ":\($0)" } ?? "")
    }
}
