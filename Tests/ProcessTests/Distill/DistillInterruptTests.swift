import Foundation
import LinuxSystem
import TestSupport
import Testing

/// Runs that are stopped, killed or short of room, and taken up again: the model has the bits of an uninterrupted run's.
@Suite(.timeLimit(.minutes(10)), .serialized) struct DistillInterruptTests {
    private let folder: DistillFolder

    init() throws { folder = try DistillFolder(examples: 64) }

    private func arguments(_ output: String, threads: Int, interval: String = "0") -> [String] {
        [
            "train", "--teacher", folder("teacher"), "--data", folder("data.csv"), "--output", folder(output),
            "--layers", "1",
            "--epochs", "12", "--batch-size", "4", "--seed", "5", "--threads", "\(threads)", "--save-interval",
            interval,
        ]
    }

    /// Starts `distill`; what it says goes to `NAME.err`.
    private func start(_ arguments: [String], errors name: String) throws -> ChildProcess {
        let errors = try OwnedDescriptor.open(folder("\(name).err"), flags: O_WRONLY | O_CREAT | O_TRUNC)
        return try ModelServer.start(
            arguments,
            socket: nil,
            folder: folder.temporary.path,
            program: "distill",
            descriptors: [2: errors.rawValue]
        )
    }

    private func said(_ name: String) throws -> String {
        String(decoding: try folder.bytes("\(name).err"), as: UTF8.self)
    }

    /// An uninterrupted run, and how long it took.
    private func whole() throws -> (bytes: [UInt8], time: Duration) {
        let start = ContinuousClock.now
        let run = try folder.distill(arguments("whole", threads: 1))
        #expect(run.exit == .exited(0), "\(run.errors)")
        return (try folder.bytes("whole/model.safetensors"), ContinuousClock.now - start)
    }

    /// DISTILLERY_KILLS says how many; `ops/nightly` has 20.
    @Test func killedAtRandomMomentsARunGivesTheSameBits() throws {
        let kills = ProcessInfo.processInfo.environment["DISTILLERY_KILLS"].flatMap { Int($0) } ?? 4
        let (expected, duration) = try whole()
        var numbers = SeededNumbers(11)
        var killed = 0
        for number in 0..<kills {
            var process = try start(arguments("made", threads: 1 + number % 2), errors: "made")
            // Anywhere from the start of the program to some saved states later.
            let longest = Int(duration / .milliseconds(1) * 2 / 5) + 1
            if try process.descriptor.waitReadable(within: .milliseconds(numbers.below(longest))) { break }
            try process.signal(.kill)
            _ = try process.reap()
            killed += 1
        }
        #expect(killed > 0)
        if try !folder.temporary.contents().contains("made") {
            let last = try folder.distill(arguments("made", threads: 1))
            #expect(last.exit == .exited(0), "\(last.errors)")
        }
        #expect(try folder.bytes("made/model.safetensors") == expected)
        #expect(try !folder.temporary.contents().contains("made.partial"), "what was saved is gone")
    }

    @Test func interruptedARunIsSavedAndGoesOn() throws {
        let expected = try whole().bytes
        // Nothing is saved but what the signal asks for.
        var process = try start(arguments("made", threads: 2, interval: "1000"), errors: "made")
        try waitUntil { try said("made").contains("step 1 of ") }
        try process.signal(.interrupt)
        #expect(try process.exit(within: 60) == .exited(1))
        let sentence = try said("made")
        #expect(
            sentence.contains("and saved in \(folder("made.partial")); the same command goes on from there"),
            "\(sentence)"
        )
        #expect(try !folder.temporary.contents().contains("made"))
        // Another learning rate is another run.
        let other = try folder.distill(arguments("made", threads: 1) + ["--learning-rate", "1e-4"])
        #expect(other.exit == .exited(1), "\(other.errors)")
        #expect(other.errors.contains("holds a run with other settings, models or data"), "\(other.errors)")
        let last = try folder.distill(arguments("made", threads: 1))
        #expect(last.exit == .exited(0), "\(last.errors)")
        #expect(last.errors.contains("going on at step "), "\(last.errors)")
        #expect(try folder.bytes("made/model.safetensors") == expected)
        #expect(try !folder.temporary.contents().contains("made.partial"))
    }

    /// No file may be longer than the limit, as on a disk that is full.
    @Test func withoutRoomTheErrorIsClearAndTheStateBeforeIsKept() throws {
        let expected = try whole().bytes
        // First a state that is kept.
        var process = try start(arguments("made", threads: 1, interval: "1000"), errors: "made")
        try waitUntil { try said("made").contains("step 1 of ") }
        try process.signal(.interrupt)
        #expect(try process.exit(within: 60) == .exited(1))
        let kept = try folder.bytes("made.partial/state")
        let limited = try limited(arguments("made", threads: 1))
        #expect(limited.exit == .exited(1), "\(limited.errors)")
        #expect(
            limited.errors.contains("made.partial/state: it cannot be written: File too large"),
            "\(limited.errors)"
        )
        #expect(try folder.bytes("made.partial/state") == kept)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder("made.partial")) == ["state"])
        let last = try folder.distill(arguments("made", threads: 1))
        #expect(last.exit == .exited(0), "\(last.errors)")
        #expect(try folder.bytes("made/model.safetensors") == expected)
    }

    /// Runs `distill` where a file may have 200 KiB, and writing more fails as it does on a full disk.
    private func limited(_ arguments: [String]) throws -> ModelServer.Run {
        let program = try ProcessSelf.executablePath().split(separator: "/").dropLast().joined(separator: "/")
        return try ModelServer.modelctl(
            ["-c", "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"", "/\(program)/distill"] + arguments,
            socket: nil,
            folder: folder.temporary.path,
            program: "/bin/bash"
        )
    }

    private func waitUntil(_ condition: () throws -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(60)
        while try !condition() {
            guard ContinuousClock.now < deadline else { throw ModelServer.Failure(description: "it never happened") }
            usleep(2000)
        }
    }
}
