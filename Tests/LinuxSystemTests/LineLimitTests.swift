import LinuxSystem
import Testing
import Time

@Suite struct LineLimitTests {
    @Test func soManyLinesOfASecondAreLetThroughAndTheOthersCounted() {
        var limit = LineLimit(perSecond: 2)
        func admitted(_ milliseconds: Int...) -> [Bool] {
            milliseconds.map { limit.admit(at: .start + .seconds(7) + .milliseconds($0)) }
        }
        #expect(limit.isUnused(at: .start))
        #expect(admitted(0, 1, 2, 499) == [true, true, false, false])
        let leftOut = [limit.leftOut, limit.takeLeftOut(), limit.takeLeftOut()]
        #expect(leftOut == [2, 2, 0])
        // Each half second brings one more.
        #expect(admitted(500, 501, 999, 1000) == [true, false, false, true])
        #expect(!limit.isUnused(at: .start + .seconds(9)))
        #expect(limit.leftOut == 2)
        _ = limit.takeLeftOut()
        #expect(limit.isUnused(at: .start + .seconds(9)))
        #expect(admitted(9000, 9000, 9000) == [true, true, false])
    }

    @Test func aFloodGetsNoMoreThanItsShare() {
        var limit = LineLimit(perSecond: 20)
        let admitted = (0..<10_000).count { limit.admit(at: .start + .seconds(1) + .milliseconds($0)) }
        // Those of ten seconds, and those of the first at once.
        #expect(admitted == 219 || admitted == 220)
        #expect(limit.leftOut == 10_000 - admitted)
    }
}
