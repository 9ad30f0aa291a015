import DistilBERT
import Distillation
import LinuxSystem
import Tensors
import TestSupport
import Testing
import Training

@Suite struct RunStateTests {
    private let task: SmallRun.Task

    init() throws { task = try SmallRun.Task() }

    private func run() throws -> SmallRun { try SmallRun(task, settings: SmallRun.settings()) }

    /// Saves a run after two steps.
    private func saved() throws -> (state: RunState, bits: [UInt32]) {
        let state = RunState(output: task.folder("run"), key: "first")
        #expect(!state.exists)
        let run = try run()
        for _ in 0..<2 { try run.loop.advance() }
        try state.save(run.loop)
        return (state, run.bits)
    }

    private func problem(_ state: RunState) throws -> String {
        let run = try run()
        do throws(DistillationError) {
            try state.restore(run.loop)
            return ""
        } catch {
            return error.message
        }
    }

    @Test func whatIsSavedIsRestored() throws {
        let (state, bits) = try saved()
        #expect(state.exists)
        let other = try run()
        #expect(other.bits != bits)
        try state.restore(other.loop)
        #expect(other.bits == bits && other.loop.step == 2)
        // What a process left that was killed while it saved is removed with the next state.
        try task.folder.write("run.partial/state.77.new", "half")
        try state.save(other.loop)
        #expect(try task.folder.contents().contains("run.partial"))
        state.remove()
        #expect(try !task.folder.contents().contains("run.partial"))
    }

    @Test func anotherRunIsNotGoneOnWith() throws {
        _ = try saved()
        let message = try problem(RunState(output: task.folder("run"), key: "second"))
        #expect(message.contains("run.partial holds a run with other settings, models or data"), "\(message)")
    }

    @Test func damageIsNamed() throws {
        let (state, _) = try saved()
        let path = "run.partial/state"
        let good = try bytes(path)
        #expect(try problem(state) == "")
        let first = try #require(good.firstIndex(of: 10))
        let header = try #require(good[(first + 1)...].firstIndex(of: 10))
        // Where the run is counts as much as its weights.
        let step = try #require(good.firstRange(of: Array("\"step\":2".utf8))).upperBound - 1
        for (name, bad) in [
            ("cut off", Array(good.dropLast())), ("cut off", good + [0]), ("cut off", Array(good.prefix(header + 1))),
            ("no saved run", Array(good.prefix(header))), ("no saved run", []),
            ("damaged", flipped(good, step)), ("no saved run", Array(good.prefix(first + 1))),
            ("no saved run", [UInt8](repeating: 0, count: 5000)),
            ("damaged", flipped(good, header + 100)), ("damaged", flipped(good, good.count / 2)),
            ("damaged", flipped(good, good.count - 1)),
        ] {
            try task.folder.write(path, bad)
            let message = try problem(state)
            #expect(
                message.contains(name) && message.contains("remove \(task.folder("run.partial")) to start anew"),
                "\(message)"
            )
        }
    }

    private func flipped(_ bytes: [UInt8], _ place: Int) -> [UInt8] {
        var bytes = bytes
        bytes[place] ^= 4
        return bytes
    }

    private func bytes(_ name: String) throws -> [UInt8] { try FileContents.read(task.folder(name)) }
}
