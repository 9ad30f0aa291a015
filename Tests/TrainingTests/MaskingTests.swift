import DistilBERT
import Testing
import Training

@Suite struct MaskingTests {
    private static let specials: Set<Int32> = [0, 1, 2, 3, 4]
    private static let mask: Int32 = 4

    /// `count` sequences of [CLS], 18 words of 5–104 and [SEP].
    private func batch(_ count: Int) -> Batch {
        let sequences = (0..<count).map { sequence -> TokenSequence in
            let words = (0..<18).map { place in Int32(5 + (sequence * 7 + place * 13) % 100) }
            return TokenSequence(ids: [2] + words + [3], types: [])
        }
        return Batch(sequences)
    }

    private func masking(_ counts: [Int] = Array(repeating: 1, count: 105)) -> Masking {
        Masking(counts: counts, specials: Self.specials, maskID: Self.mask)
    }

    @Test func theShareIsRoundedUpAndSpecialsStay() {
        for sequences in [1, 3, 50] {
            let batch = batch(sequences)
            let (masked, rows, words) = masking().mask(batch, key: 9)
            #expect(rows.count == (15 * batch.tokens + 99) / 100)
            #expect(rows == rows.sorted() && Set(rows).count == rows.count)
            #expect(words == rows.map { Int(batch.ids[$0]) })
            #expect(rows.allSatisfy { !Self.specials.contains(batch.ids[$0]) })
            let chosen = Set(rows)
            #expect(batch.ids.indices.allSatisfy { chosen.contains($0) || masked.ids[$0] == batch.ids[$0] })
        }
    }

    @Test func ofTheChosenWords80PercentAreMasked10OthersAnd10Stay() {
        let batch = batch(2000)
        let (masked, rows, words) = masking().mask(batch, key: 1)
        let hidden = rows.count { masked.ids[$0] == Self.mask }
        let kept = zip(rows, words).count { Int(masked.ids[$0]) == $1 }
        let others = zip(rows, words).filter { masked.ids[$0] != Self.mask && Int(masked.ids[$0]) != $1 }
        let total = Double(rows.count)
        // 6,000 words: five standard deviations are 2.6 and 1.9 percent.
        #expect(abs(Double(hidden) / total - 0.8) < 0.026, "\(hidden) of \(total)")
        #expect(abs(Double(kept) / total - 0.101) < 0.02, "\(kept) of \(total)")
        #expect(abs(Double(others.count) / total - 0.099) < 0.02, "\(others.count) of \(total)")
        #expect(others.allSatisfy { !Self.specials.contains(masked.ids[$0.0]) })
        #expect(Set(others.map { masked.ids[$0.0] }).count > 80, "all words may stand there")
    }

    @Test func theSameKeyGivesTheSameMasks() {
        let batch = batch(20)
        let (first, again, other) = (
            masking().mask(batch, key: 5), masking().mask(batch, key: 5), masking().mask(batch, key: 6)
        )
        #expect(first.batch.ids == again.batch.ids && first.rows == again.rows)
        #expect(first.rows != other.rows)
    }

    /// A word's chance goes with count^−0.7: one that is 100 times as frequent is chosen about 25 times less.
    @Test func rareWordsAreChosenRatherThanFrequentOnes() {
        var counts = Array(repeating: 1, count: 105)
        for id in stride(from: 5, to: 105, by: 2) { counts[id] = 100 }
        let words = masking(counts).mask(batch(500), key: 3).words
        let rare = words.count { counts[$0] == 1 }
        #expect(Double(rare) > 0.9 * Double(words.count), "\(rare) of \(words.count)")
    }
}
