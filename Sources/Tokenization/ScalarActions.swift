/// What the scanner does with each scalar: the normalizer and the splitting into words, folded into one table.
///
/// A scalar of the Basic Multilingual Plane costs one load; the others are worked out when they occur.
struct ScalarActions: Sendable {
    /// An action with the scalar it applies to, in one word: `kind << 24 | scalar`.
    struct Action {
        let rawValue: UInt32

        init(_ kind: Kind, _ scalar: UInt32 = 0) { rawValue = kind.rawValue << 24 | scalar }
        fileprivate init(rawValue: UInt32) { self.rawValue = rawValue }

        @inline(__always)
        var kind: Kind { Kind(rawValue: rawValue >> 24).unsafelyUnwrapped }
        @inline(__always)
        var scalar: UInt32 { rawValue & 0xFF_FFFF }
        @inline(__always)
        var isLetter: Bool { rawValue >> 24 == Kind.letter.rawValue }
    }

    enum Kind: UInt32 {
        /// Leaves nothing.
        case drop
        /// Ends a word.
        case space
        /// Belongs to a word, as the scalar given.
        case letter
        /// Is a word of its own, as the scalar given.
        case isolated
        /// Becomes several scalars.
        case expand
        /// May move or be moved in canonical ordering and stays: only the complete normalizer gets it right.
        case reorder
    }

    private let normalizer: BertNormalizer
    private let basicPlane: [UInt32]

    init(_ normalizer: BertNormalizer) {
        self.normalizer = normalizer
        basicPlane = [UInt32](unsafeUninitializedCapacity: 0x10000) { actions, count in
            for scalar in 0..<UInt32(0x10000) {
                actions[Int(scalar)] = Self.action(of: scalar, normalizer).rawValue
            }
            count = 0x10000
        }
    }

    /// Lends the actions of the Basic Multilingual Plane.
    func withTable<R>(_ body: (Table) -> R) -> R {
        basicPlane.withUnsafeBufferPointer { body(Table(actions: $0.baseAddress!, normalizer: normalizer)) }
    }

    struct Table {
        fileprivate let actions: UnsafePointer<UInt32>
        fileprivate let normalizer: BertNormalizer

        @inline(__always)
        func action(ofByte byte: UInt8) -> Action { Action(rawValue: actions[Int(byte)]) }

        @inline(__always)
        func action(of scalar: UInt32) -> Action {
            scalar < 0x10000 ? Action(rawValue: actions[Int(scalar)]) : ScalarActions.action(of: scalar, normalizer)
        }

        /// Calls `body` with each scalar that a scalar of kind `expand` becomes, and its action.
        func expand(_ scalar: UInt32, _ body: (Action) -> Void) {
            ScalarActions.forEachPart(of: scalar, normalizer) { body(ScalarActions.splitting($0)) }
        }
    }

    private static func action(of scalar: UInt32, _ normalizer: BertNormalizer) -> Action {
        let tables = UnicodeTables.shared
        let flags = tables.flags(of: scalar)
        if normalizer.cleanText, flags.contains(.removed) { return Action(.drop) }
        if normalizer.cleanText, flags.contains(.space) { return Action(.space) }
        let isIdeograph = normalizer.handleChineseChars && flags.contains(.ideograph)
        if flags.isStable {
            return isIdeograph ? Action(.isolated, scalar) : splitting(scalar, flags)
        }
        var count = 0
        var first: UInt32 = 0
        var combines = false
        forEachPart(of: scalar, normalizer) { part in
            if count == 0 { first = part }
            count += 1
            combines = combines || tables.combiningClass(of: part) != 0
        }
        if normalizer.stripAccents, combines { return Action(.reorder) }
        guard count > 0 else { return Action(.drop) }
        if isIdeograph { return count == 1 ? Action(.isolated, first) : Action(.reorder) }
        return count == 1 ? splitting(first) : Action(.expand)
    }

    /// The scalars that stay of one, in the order of its decomposition.
    private static func forEachPart(of scalar: UInt32, _ normalizer: BertNormalizer, _ body: (UInt32) -> Void) {
        let tables = UnicodeTables.shared
        func lowercased(_ part: UInt32) {
            if normalizer.lowercase { tables.lowercase(part, body) } else { body(part) }
        }
        guard normalizer.stripAccents else { return lowercased(scalar) }
        tables.decompose(scalar) { part in
            if !tables.flags(of: part).contains(.mark) { lowercased(part) }
        }
    }

    /// How a normalized scalar takes part in words.
    static func splitting(_ scalar: UInt32) -> Action {
        splitting(scalar, UnicodeTables.shared.flags(of: scalar))
    }

    private static func splitting(_ scalar: UInt32, _ flags: UnicodeTables.Flags) -> Action {
        if flags.contains(.space) { return Action(.space) }
        return Action(flags.contains(.punctuation) ? .isolated : .letter, scalar)
    }
}
