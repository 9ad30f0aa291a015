import Supervisor
import Testing

/// What a reload may unload, by what it has brought up.
@Suite struct ReplacementTests {
    /// `1` is version 1 in fp32, `1:int8` in int8.
    private static func editions(_ text: String) -> Set<Edition> {
        Set(
            text.split(separator: " ").map { word in
                let parts = word.split(separator: ":")
                return Edition(version: UInt64(parts[0]) ?? 0, variant: parts.count > 1 ? String(parts[1]) : "fp32")
            }
        )
    }

    @Test(arguments: [
        // wanted, serving, unwanted, what of it may go
        ("2", "1", "1", ""),
        ("2", "1 2", "1", "1"),
        ("1", "2", "2", ""),
        ("1", "1 2", "2", "2"),
        ("1:int8", "1", "1", ""),
        ("1:int8", "1 1:int8", "1", "1"),
        // Of two that are wanted one serves: it answers for the versions below it.
        ("2 3", "1 2", "1", "1"),
        ("2 3", "1 3", "1", "1"),
        ("1 3", "1 2", "2", ""),
        ("1 3", "2 3", "2", "2"),
        // Of two variants one serves: it answers for its version, and no other one does.
        ("1:int8 1:bf16", "1 1:bf16", "1", "1"),
        ("1:int8 2:int8", "1 2 1:int8", "1 2", "1"),
        // `name:fp32` must be answered while fp32 is wanted.
        ("2 2:int8", "1 2:int8", "1", ""),
        ("2 2:int8", "1 1:int8 2:int8", "1 1:int8", "1:int8"),
        // Version and variant at once.
        ("2:int8", "1", "1", ""),
        ("2:int8 3:int8", "1 2:int8", "1", "1"),
        // What serves and is not wanted takes nobody's place.
        ("3", "1 2", "1 2", ""),
    ])
    func whatWorksGoesWhenSomethingElseAnswersForIt(wanted: String, serving: String, unwanted: String, leaves: String) {
        let rule = Replacement(wanted: Self.editions(wanted), serving: Self.editions(serving))
        let left = Self.editions(unwanted).filter { rule.allows($0) }
        #expect(left == Self.editions(leaves))
    }

    @Test func whatIsMissingIsNamed() {
        let rule = Replacement(wanted: Self.editions("1 2"), serving: Self.editions("1 3"))
        #expect(rule.missing == Self.editions("2"))
    }
}
