import Glibc
import LinuxSystem
import Testing

@Suite struct LineOutputTests {
    /// Everything that is in a pipe now.
    private func contents(of descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var room = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = read(descriptor, &room, room.count)
            guard count > 0 else { return String(decoding: bytes, as: UTF8.self) }
            bytes += room.prefix(count)
        }
    }

    @Test(.timeLimit(.minutes(1))) func aPipeThatNobodyReadsIsNotWaitedFor() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        let output = LineOutput(ends[1])
        // Several times what a pipe holds.
        let tail = String(repeating: "x", count: 100)
        for number in 0..<5000 { output.write("line \(number) \(tail)") }
        let lines = contents(of: ends[0]).split(separator: "\n")
        #expect((100..<5000).contains(lines.count))
        for (number, line) in lines.enumerated() { #expect(line == "line \(number) \(tail)") }

        output.write("the next one")
        output.write("and another")
        let note = "(\(5000 - lines.count) lines before this one were dropped)"
        #expect(contents(of: ends[0]) == "\(note)\nthe next one\nand another\n")
        #expect(fcntl(ends[1], F_GETFL) & O_NONBLOCK == 0, "others share the descriptor")
    }

    @Test func aLineIsCutBeforeAPipeWouldTakeHalfOfIt() throws {
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
        LineOutput(ends[1]).write(String(repeating: "y", count: 10_000))
        let line = contents(of: ends[0])
        #expect(line.count <= 4096 && line.hasSuffix("y\n"))
    }
}
