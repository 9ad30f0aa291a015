import Distillation
import Testing

@Suite struct SeededGeneratorTests {
    /// The first numbers of Vigna's splitmix64.c from the state 1234567.
    @Test func numbersAreSplitMix64s() {
        var generator = SeededGenerator(seed: 1_234_567)
        let numbers = (0..<5).map { _ in generator.next() }
        #expect(
            numbers == [
                6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423,
                4_593_380_528_125_082_431, 16_408_922_859_458_223_821,
            ]
        )
    }

    @Test func numbersBelowABoundAreEven() {
        var generator = SeededGenerator(seed: 1)
        var counts = [Int](repeating: 0, count: 7)
        for _ in 0..<7000 { counts[generator.below(7)] += 1 }
        // 1,000 each, with a standard deviation of 29.
        #expect(counts.allSatisfy { (850...1150).contains($0) })
        #expect((0..<1000).allSatisfy { _ in (0..<1).contains(generator.uniform()) })
    }

    @Test func ordersAreEven() {
        var generator = SeededGenerator(seed: 2)
        var counts: [[Int]: Int] = [:]
        for _ in 0..<6000 {
            var elements = [0, 1, 2]
            generator.shuffle(&elements)
            counts[elements, default: 0] += 1
        }
        #expect(counts.count == 6 && counts.values.allSatisfy { (850...1150).contains($0) })
    }

    @Test func streamsOfASeedDiffer() {
        var numbers: Set<UInt64> = []
        for seed: UInt64 in 0..<10 {
            for stream: UInt64 in 0..<10 {
                var generator = SeededGenerator(seed: seed, stream: stream)
                numbers.insert(generator.next())
            }
        }
        #expect(numbers.count == 100)
    }
}
