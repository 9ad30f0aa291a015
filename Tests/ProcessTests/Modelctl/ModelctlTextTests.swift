import ModelClient
import Testing
import modelctl

/// What `modelctl` reads and prints, without a server.
struct ModelctlTextTests {
    @Test func percentilesAreNearestRanks() {
        let distribution = Distribution(microseconds: (1...1000).map { $0 * 1000 }.shuffled())
        #expect(distribution.percentile(50) == 500)
        #expect(distribution.percentile(99) == 990)
        #expect(distribution.percentile(99.91) == 1000)
        #expect(distribution.percentile(100) == 1000)
        #expect(distribution.percentile(0) == 1)
        #expect(Distribution(microseconds: [7]).percentile(50) == 0.007)
        #expect(Distribution(microseconds: []).percentile(50) == nil)
    }

    @Test func overheadIsWhatIsNotComputing() {
        var measurements = Measurements()
        let timings = RequestTimings(queue: .microseconds(30), compute: .microseconds(900))
        measurements.answered(in: .nanoseconds(1_000_400), tokens: 16, timings: timings)
        // The clock of a batch that others shared may have run longer than the client waited.
        measurements.answered(in: .microseconds(800), tokens: 4, timings: timings)
        var other = Measurements()
        other.failed(ModelClientError(code: .resourceExhausted, message: "full"))
        measurements.differed("first")
        measurements.differed("second")
        other.add(measurements)
        #expect(other.mismatches == 2 && other.firstMismatch == "first")
        #expect(other.latencies == [1000, 800])
        #expect(other.overhead == [100, 0])
        #expect(other.queue == [30, 30])
        #expect(other.tokens == 20)
        #expect(other.requests == 2)
        #expect(other.failures == 1)
        #expect(other.errors == ["RESOURCE_EXHAUSTED": 1])
    }

    @Test func answersAreComparedBitForBit() throws {
        let quiet = BenchAnswer(values: [0, 0.1, .nan], tokens: 7, metadata: ResponseMetadata(model: "m@1:fp32"))
        #expect(quiet.difference(from: quiet) == nil, "the same bits, though not equal to itself")
        var other = quiet
        other.values[0] = -0.0
        #expect(other.difference(from: quiet) == "value 1 of 3 is -0.0, was 0.0", "equal, but not the same bits")
        other = quiet
        other.values[1] = (0.1 as Float).nextUp
        other.metadata.model = "m@1:int8"
        #expect(other.difference(from: quiet) == "value 2 of 3 is 0.10000001, was 0.1 by m@1:fp32")
        other = quiet
        other.values.removeLast()
        #expect(other.difference(from: quiet) == "the number of values is 2, was 3")
        other = quiet
        other.tokens = 8
        #expect(other.difference(from: quiet) == "the number of tokens is 8, was 7")

        let labels = BenchAnswer(labels: ["GOOD", "BAD"], values: [0.75, 0.25], tokens: 3)
        let swapped = BenchAnswer(labels: ["BAD", "GOOD"], values: [0.75, 0.25], tokens: 3)
        #expect(swapped.difference(from: labels)?.hasPrefix("the order of labels is ") == true)
        let surer = BenchAnswer(labels: ["GOOD", "BAD"], values: [0.75, 0.125], tokens: 3)
        #expect(surer.difference(from: labels) == "the score of BAD is 0.125, was 0.25")
    }

    @Test func timesOnTheCommandLine() {
        #expect(TimeSpan(argument: "10")?.duration == .seconds(10))
        #expect(TimeSpan(argument: "0.5")?.duration == .milliseconds(500))
        #expect(TimeSpan(argument: "250ms")?.duration == .milliseconds(250))
        #expect(TimeSpan(argument: "2m")?.duration == .seconds(120))
        #expect(TimeSpan(argument: "1h")?.duration == .seconds(3600))
        for wrong in ["", "s", "-1", "0", "nan", "inf", "1e9", "0x10", "1 s", "5d", "1..2", "99999999h", "١"] {
            #expect(TimeSpan(argument: wrong) == nil, "\(wrong)")
        }
    }

    @Test func numbersForPeople() {
        #expect(HumanText.fixed(-0.0004, 3) == "0.000")
        #expect(HumanText.fixed(-1.005, 1) == "-1.0")
        #expect(HumanText.fixed(0.9996, 3) == "1.000")
        #expect(HumanText.fixed(12.05, 0) == "12")
        #expect(HumanText.fixed(.infinity, 2) == "inf")
        #expect(HumanText.grouped(0) == "0")
        #expect(HumanText.grouped(-1_234_567) == "-1,234,567")
        #expect(HumanText.bytes(1023) == "1023 B")
        #expect(HumanText.bytes(91_326_400) == "87.1 MiB")
        #expect(HumanText.time(.seconds(59)) == "59 s")
        #expect(HumanText.time(.seconds(11_520)) == "3 h 12 min")
    }

    @Test func textsCannotCommandTheTerminal() {
        #expect(HumanText.printable("a\u{1B}[2Jb\nc\td\u{202E}e") == "a [2Jb c d e")
        #expect(HumanText.printable("abcdef", width: 4) == "abc…")
        #expect(HumanText.printable("abcd", width: 4) == "abcd")
        #expect(HumanText.printable("👩‍👧 é") == "👩‍👧 é")
    }

    @Test func columnsAreAligned() {
        var table = Table([.text("NAME"), .number("COUNT"), .text("WHY")])
        table.add(["a", "1", ""])
        table.addNote("  as it is")
        table.add(["longer", "1,000", "because"])
        #expect(table.lines == ["NAME    COUNT  WHY", "a           1", "  as it is", "longer  1,000  because"])
    }
}
