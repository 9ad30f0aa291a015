import Glibc
import LinuxSystem
import Testing

@Suite struct MemoryByNodeTests {
    @Test func pagesAreCountedByNodeAndKind() {
        let text = """
            55d1ee6e3000 default file=/usr/bin/modelworker mapped=2 N0=2 kernelpagesize_kB=4
            7f00a0000000 bind:1 file=/memfd:pack\\040(deleted) mapped=900 mapmax=2 N1=890 N0=10 kernelpagesize_kB=4
            7f00b0000000 bind:1 anon=3 dirty=3 active=0 N1=3 kernelpagesize_kB=4
            7f00c0000000 bind:1 heap anon=1 dirty=1 N0=1 kernelpagesize_kB=2048
            7ffd00000000 default stack anon=5 dirty=5 N1=5 kernelpagesize_kB=4
            7ffd00010000 default
            """
        let memory = MemoryByNode.parse(text) { $0.hasPrefix("/memfd:pack") }
        #expect(memory.files == [1: 890 * 4096, 0: 10 * 4096])
        #expect(memory.own == [1: 8 * 4096, 0: 2 << 20])
    }

    @Test func thisProcessIsSomewhere() throws {
        guard let memory = try? MemoryByNode.of(processID: getpid(), isWanted: { _ in true }) else {
            #expect(access("/proc/self/numa_maps", F_OK) != 0)
            return
        }
        #expect(memory.own.values.reduce(0, +) > 1 << 16 && memory.files.values.reduce(0, +) > 1 << 16)
        #expect(throws: SystemError.self) { try MemoryByNode.of(processID: .max) { _ in true } }
    }
}
