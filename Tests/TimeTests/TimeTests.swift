import Testing
import Time

@Suite struct TimeTests {
    static let last = Instant(nanoseconds: .max)
    static let first = Instant(nanoseconds: .min)

    @Test func instantsAndDurationsAreAddedAndSubtracted() {
        let noon = Instant.start + .seconds(5)
        #expect(noon.nanoseconds == 5_000_000_000)
        #expect(noon - .milliseconds(1) < noon)
        #expect(noon - (noon - .milliseconds(1)) == .milliseconds(1))
        #expect(Instant.start - noon == .seconds(-5))
        var later = noon
        later += .nanoseconds(1)
        #expect(later > noon && later.nanoseconds == 5_000_000_001)
        #expect(noon.advanced(by: noon.duration(to: later)) == later)
    }

    @Test func nothingOverflows() {
        #expect(Self.last + .nanoseconds(1) == Self.last)
        #expect(Self.first - .nanoseconds(1) == Self.first)
        #expect(Instant.start + .microseconds(UInt64.max) == Self.last)
        #expect(Instant.start - .microseconds(UInt64.max) == Self.first)
        #expect(Self.last - Self.first == .nanoseconds(Int64.max) - .nanoseconds(Int64.min))
    }

    @Test func neverIsLaterThanEveryMoment() {
        let (now, soon) = (Deadline.at(.start), Deadline.at(.start + .nanoseconds(1)))
        #expect(now < soon && soon < .never && Deadline.at(Self.last) < .never)
        #expect(min(.never, soon, now) == now)
        #expect(now.isDue(at: .start) && !soon.isDue(at: .start))
        #expect(!Deadline.never.isDue(at: Self.last))
    }

    @Test func aDeadlineIsMadeOfWhatThereIs() {
        #expect(Deadline(nil) == .never)
        #expect(Deadline(.start) == .at(.start))
        #expect(Deadline.after(nil, from: .start) == .never)
        #expect(Deadline.after(.seconds(1), from: .start) == .at(.start + .seconds(1)))
    }

    @Test(arguments: [Deadline.never, .at(.start + .nanoseconds(1)), .at(last)])
    func theWireKeepsADeadline(deadline: Deadline) {
        #expect(Deadline(nanoseconds: deadline.nanoseconds) == deadline)
    }

    @Test func durationsAsNumbersAreWhole() {
        let duration = Duration.nanoseconds(1_999_999)
        #expect(duration.nanoseconds == 1_999_999)
        #expect(duration.microseconds == 1_999)
        #expect(duration.milliseconds == 1)
        #expect((Duration.zero - duration).microseconds == 0)
        #expect((Duration.zero - duration).nanoseconds == -1_999_999)
        #expect(Duration.microseconds(UInt64.max).nanoseconds == .max)
        #expect(Duration.microseconds(UInt64.max).microseconds == UInt64(Int64.max) / 1000)
    }

    @Test func aPollWaitsNoShorterThanAsked() {
        #expect(Duration.zero.pollMilliseconds == 0)
        #expect(Duration.nanoseconds(1).pollMilliseconds == 1)
        #expect(Duration.milliseconds(2).pollMilliseconds == 2)
        #expect(Duration.milliseconds(-2).pollMilliseconds == 0)
        #expect(Duration.microseconds(UInt64.max).pollMilliseconds == .max)
    }
}
