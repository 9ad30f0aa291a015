import LinuxSystem
import Testing
import Time

@Suite struct LineLimitTests {
    @Test func soManyLinesOfASecondAreLetThroughAndTheOthersCounted() {
        var limit = LineLimit(perSecond: 2)
        func lines(_ milliseconds: Int...) -> [Int?] {
            milliseconds.map { limit.admit(at: .start + .seconds(7) + .milliseconds($0)) }
        }
        #expect(lines(0, 1, 2, 999) == [0, 0, nil, nil])
        #expect(limit.leftOut == 2)
        #expect(lines(1000, 1000, 1000) == [2, 0, nil])
        #expect(lines(9000) == [1])
        #expect(limit.leftOut == 0)
    }
}
