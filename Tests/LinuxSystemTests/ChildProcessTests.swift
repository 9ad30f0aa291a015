import Foundation
import Glibc
import LinuxSystem
import Testing
import Time

@Suite struct ChildProcessTests {
    @Test(arguments: [
        ("exit 0", LinuxSystem.ExitStatus.exited(0), "exit 0"),
        ("exit 78", .exited(78), "exit 78"),
        ("kill -KILL $$", .killed(.kill, coreDumped: false), "killed by SIGKILL"),
        ("kill -TERM $$", .killed(.terminate, coreDumped: false), "killed by SIGTERM"),
    ])
    func saysHowItEnded(script: String, expected: LinuxSystem.ExitStatus, text: String) throws {
        var child = try ChildProcess(ChildCommand("/bin/sh", arguments: ["-c", script]))
        let status = try child.reap()
        #expect(status == expected)
        #expect(status.description == text)
        #expect(status.isSuccess == (script == "exit 0"))
        #expect(try child.reap() == expected)
        #expect(try child.reapIfEnded() == expected)
    }

    @Test func saysHowMuchMemoryItHad() throws {
        let copy = ["if=/dev/zero", "of=/dev/null", "bs=64M", "count=1", "status=none"]
        var child = try ChildProcess(ChildCommand("/bin/dd", arguments: copy))
        #expect(child.peakBytes == 0)
        _ = try child.reap()
        #expect(child.peakBytes > 64 << 20)
    }

    @Test func describesACoreDump() {
        let crash = LinuxSystem.ExitStatus.killed(.segmentationFault, coreDumped: true)
        #expect(crash.description == "killed by SIGSEGV (core dumped)")
        let unnamed = LinuxSystem.ExitStatus.killed(Signal(rawValue: 40), coreDumped: false)
        #expect(unnamed.description == "killed by signal 40")
    }

    @Test func passesArgumentsAndExactlyTheGivenEnvironment() throws {
        let pipe = try OwnedDescriptor.pipe()
        let command = ChildCommand(
            "/usr/bin/env",
            arguments: ["-0"],
            environment: ["A": "1", "TEXT": "two words\nand a line"],
            descriptors: [1: pipe.writing.rawValue]
        )
        var child = try ChildProcess(command)
        pipe.writing.close()
        let output = try readToEnd(pipe.reading)
        #expect(try child.reap().isSuccess)
        #expect(Set(output.split(separator: "\0")) == ["A=1", "TEXT=two words\nand a line"])
    }

    @Test func aMissingProgramIsAnErrorThatNamesIt() throws {
        let error = #expect(throws: SystemError.self) {
            _ = try ChildProcess(ChildCommand("/nonexistent/program"))
        }
        #expect(error?.errorNumber == ENOENT)
        #expect(error?.description.contains("spawn /nonexistent/program: No such file") == true)
    }

    @Test func aZeroByteInAnArgumentIsRefused() {
        let error = #expect(throws: SystemError.self) {
            _ = try ChildProcess(ChildCommand("/bin/sh", arguments: ["a\0b"]))
        }
        #expect(error?.errorNumber == EINVAL)
    }

    @Test func theChildHasExactlyTheMappedDescriptors() throws {
        let first = try OwnedDescriptor.pipe()
        let second = try OwnedDescriptor.pipe()
        // A descriptor that would leak: dup clears close-on-exec.
        let leak = OwnedDescriptor(dup(first.reading.rawValue))
        let high = OwnedDescriptor(fcntl(first.reading.rawValue, F_DUPFD, 500))

        // The numbers are swapped, so that a naive dup2 would overwrite a source before it is copied.
        let (one, two) = (first.reading.rawValue, second.reading.rawValue)
        let far = max(one, two) + 20
        let child = try ChildProcess(
            ChildCommand(
                "/bin/sleep",
                arguments: ["60"],
                descriptors: [one: two, two: one, far: second.writing.rawValue]
            )
        )
        let folder = "/proc/\(child.processID)/fd"
        let numbers = try FileManager.default.contentsOfDirectory(atPath: folder).compactMap { Int32($0) }
        #expect(Set(numbers) == [0, 1, 2, one, two, far])
        #expect(numbers.contains(leak.rawValue) == false)
        #expect(numbers.contains(high.rawValue) == false)

        func target(_ path: String) throws -> String { try FileManager.default.destinationOfSymbolicLink(atPath: path) }
        #expect(try target("\(folder)/0") == "/dev/null")
        #expect(try target("\(folder)/\(one)") == target("/proc/self/fd/\(two)"))
        #expect(try target("\(folder)/\(two)") == target("/proc/self/fd/\(one)"))
        #expect(try target("\(folder)/\(far)") == target("/proc/self/fd/\(two)"))
        try child.signal(.kill)
    }

    @Test func theChildStartsWithDefaultSignals() throws {
        let (signals, ended) = try OwnThread {
            _ = try SignalDescriptor([.terminate, .hangUp])
            var child = try ChildProcess(ChildCommand("/bin/sleep", arguments: ["60"]))
            let status = try FileContents.readText("/proc/\(child.processID)/status")
            try child.signal(.terminate)
            return (status.split(separator: "\n"), try child.reap())
        }.join()
        for key in ["SigBlk:\t", "SigIgn:\t"] {
            let line = try #require(signals.first { $0.hasPrefix(key) })
            let mask = try #require(UInt64(line.dropFirst(key.count), radix: 16))
            // Signals 32 and 33 are the C library's own and keep what the test was started with.
            #expect(mask & ~(0b11 << 31) == 0, "\(line)")
        }
        #expect(ended == .killed(.terminate, coreDumped: false))
    }

    @Test(arguments: [false, true]) func mayLeadItsOwnProcessGroup(own: Bool) throws {
        let child = try ChildProcess(ChildCommand("/bin/sleep", arguments: ["60"], newProcessGroup: own))
        #expect(getpgid(child.processID) == (own ? child.processID : getpgrp()))
    }

    @Test func theDescriptorBecomesReadableWhenTheChildEnds() throws {
        let hold = try OwnedDescriptor.pipe()
        var child = try ChildProcess(
            ChildCommand("/bin/cat", descriptors: [0: hold.reading.rawValue, 1: hold.reading.rawValue])
        )
        hold.reading.close()
        let epoll = try Epoll()
        try epoll.add(child.rawValue, token: 7, interest: .readable)
        var events = EventBuffer()
        try epoll.wait(into: &events, until: .at(.start))
        #expect(events.isEmpty)
        #expect(try child.reapIfEnded() == nil)

        hold.writing.close()
        try epoll.wait(into: &events)
        #expect(events.map(\.token) == [7])
        #expect(try child.reapIfEnded() != nil)
        #expect(try child.signal(.kill) == false)
    }

    @Test func aForgottenChildIsKilledAndReaped() throws {
        func start() throws -> Int32 {
            let child = try ChildProcess(ChildCommand("/bin/sleep", arguments: ["60"]))
            #expect(kill(child.processID, 0) == 0)
            return child.processID
        }
        let processID = try start()
        #expect(kill(processID, 0) == -1 && errno == ESRCH)
    }

    @Test func manyChildrenLeaveNoZombieAndNoDescriptor() throws {
        // Numbers of other tests come and go at the same time, so only our own children are looked for.
        for round in 0..<20 {
            var child = try ChildProcess(ChildCommand("/bin/sh", arguments: ["-c", "exit \(round)"]))
            let pidfd = child.rawValue
            #expect(fcntl(pidfd, F_GETFD) == FD_CLOEXEC)
            #expect(try child.reap() == .exited(Int32(round)))
            #expect(kill(child.processID, 0) == -1 && errno == ESRCH)
        }
    }

    private func readToEnd(_ descriptor: borrowing OwnedDescriptor) throws -> String {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while true {
            switch try chunk.withUnsafeMutableBytes({ try descriptor.read(into: $0) }) {
            case .bytes(let count): bytes += chunk[..<count]
            case .closed: return String(decoding: bytes, as: UTF8.self)
            case .wouldBlock: _ = try descriptor.waitReadable()
            }
        }
    }
}
