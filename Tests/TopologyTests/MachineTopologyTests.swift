import Foundation
import Testing
import Topology

@Suite struct MachineTopologyTests {
    @Test func readsNodesCoresAndLimits() throws {
        let tree = try FakeRoot([
            "sys/devices/system/cpu/online": "0-7",
            "sys/devices/system/node/online": "0-2",
            "sys/devices/system/node/node0/cpulist": "0-1,4-5",
            "sys/devices/system/node/node1/cpulist": "2-3,6-9",
            "sys/devices/system/node/node2/cpulist": "",
            "sys/devices/system/cpu/cpu0/topology/thread_siblings_list": "0,4",
            "sys/devices/system/cpu/cpu1/topology/thread_siblings_list": "1,5",
            "proc/self/status": "Name:\tx\nMems_allowed:\t3\nMems_allowed_list:\t0-1\n",
        ])
        let topology = MachineTopology.read(root: tree.path, affinity: [0, 1, 2, 3, 9])
        #expect(
            topology
                == MachineTopology(
                    nodes: [
                        .init(id: 0, cpus: [0, 1, 4, 5], cores: [[0, 4], [1, 5]]),
                        .init(id: 1, cpus: [2, 3, 6, 7], cores: [[2], [3], [6], [7]]),
                    ],
                    allowed: [0, 1, 2, 3],
                    memoryNodes: [0, 1]
                )
        )
    }

    @Test func aSystemWithoutNUMAIsOneNode() throws {
        let tree = try FakeRoot(["sys/devices/system/cpu/online": "0-3"])
        let topology = MachineTopology.read(root: tree.path, affinity: [1, 2])
        #expect(topology.nodes == [.init(id: 0, cpus: [0, 1, 2, 3], cores: [[0], [1], [2], [3]])])
        #expect(topology.allowed == [1, 2])

        let bare = MachineTopology.read(root: tree.path + "/nothing", affinity: [1, 2])
        #expect(bare.nodes.map(\.cpus) == [[1, 2]])
        #expect(bare.allowed == [1, 2] && bare.cpuLimit == nil && bare.memoryNodes == nil)
    }

    @Test func brokenFilesCountAsAbsent() throws {
        let tree = try FakeRoot([
            "sys/devices/system/cpu/online": "garbage",
            "sys/devices/system/node/online": "0",
            "sys/devices/system/node/node0/cpulist": "0-",
            "proc/self/cgroup": "nonsense\n0:\n",
            "proc/self/mountinfo": "1 2 3\n- - -\n",
        ])
        let topology = MachineTopology.read(root: tree.path, affinity: [0])
        #expect(topology.nodes.map(\.cpus) == [[0]])
        #expect(topology.cpuLimit == nil)
    }

    @Test func thisMachineIsReadable() throws {
        let topology = try MachineTopology.current()
        #expect(!topology.allowed.isEmpty && !topology.nodes.isEmpty)
        let plan = try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: 1))
        #expect(!plan.slots.isEmpty)
    }
}

@Suite struct ControlGroupTests {
    static let unifiedMount = "30 1 0:27 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw"

    @Test func theTightestAncestorCounts() throws {
        let limit = try limit([
            "proc/self/cgroup": "0::/a/b/c",
            "proc/self/mountinfo": Self.unifiedMount,
            "sys/fs/cgroup/a/cpu.max": "150000 100000",
            "sys/fs/cgroup/a/b/cpu.max": "max 100000",
            "sys/fs/cgroup/a/b/c/cpu.max": "800000 100000",
        ])
        #expect(limit == 1.5)
    }

    @Test func aContainerSeesItsOwnGroupAsTheRoot() throws {
        let namespaced = try limit([
            "proc/self/cgroup": "0::/",
            "proc/self/mountinfo": Self.unifiedMount,
            "sys/fs/cgroup/cpu.max": "250000 100000",
        ])
        #expect(namespaced == 2.5)
        let bindMounted = try limit([
            "proc/self/cgroup": "0::/docker/abc/inner",
            "proc/self/mountinfo": "30 1 0:27 /docker/abc /sys/fs/cgroup ro - cgroup2 cgroup2 rw",
            "sys/fs/cgroup/inner/cpu.max": "300000 100000",
            "sys/fs/cgroup/docker/abc/cpu.max": "100000 100000",
        ])
        #expect(bindMounted == 3)
    }

    /// Of the process's own group, in whichever version counts; of the machine where neither does.
    @Test func whatTheKernelKillsForWantOfMemoryIsCounted() throws {
        let machine = ["proc/vmstat": "pgfault 5\noom_kill 7\n"]
        let unified = [
            "proc/self/cgroup": "0::/a/b",
            "proc/self/mountinfo": Self.unifiedMount,
            "sys/fs/cgroup/a/memory.events": "oom 9\noom_kill 9\noom_group_kill 0\n",
            "sys/fs/cgroup/a/b/memory.events": "oom 4\noom_kill 3\noom_group_kill 0\n",
        ]
        let first = [
            "proc/self/cgroup": "4:memory:/m\n3:cpu:/box\n0::/",
            "proc/self/mountinfo": """
            31 1 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu
            32 1 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            33 1 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """,
            "sys/fs/cgroup/memory/m/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        ]
        for (files, expected) in [(unified, 3), (first, 2), ([:], 7)] {
            let tree = try FakeRoot(files.merging(machine) { file, _ in file })
            #expect(MemoryShortage(root: tree.path).kills == expected)
        }
        let empty = try FakeRoot([:])
        #expect(MemoryShortage(root: empty.path).kills == 0)
    }

    @Test func versionOneIsReadFromTheCPUController() throws {
        let files = [
            "proc/self/cgroup": "4:memory:/m\n3:cpu,cpuacct:/box\n0::/",
            "proc/self/mountinfo": """
            31 1 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
            32 1 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
            33 1 0:30 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
            """,
            "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "400000",
            "sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
            "sys/fs/cgroup/memory/m/cpu.cfs_quota_us": "1",
            "sys/fs/cgroup/memory/m/cpu.cfs_period_us": "100000",
        ]
        #expect(try limit(files) == 4)
    }

    @Test func noLimitIsNil() throws {
        let limit = try limit([
            "proc/self/cgroup": "0::/a",
            "proc/self/mountinfo": Self.unifiedMount,
            "sys/fs/cgroup/a/cpu.max": "max 100000",
        ])
        #expect(limit == nil)
    }

    // MARK: - Memory

    @Test func theRoomOfANodeIsWhatIsFreeAndWhatFilesHold() throws {
        let tree = try FakeRoot([
            "proc/meminfo": "MemTotal: 9000 kB\nMemAvailable:    700 kB\n",
            "sys/devices/system/node/node0/meminfo": """
            Node 0 MemTotal:       4000 kB
            Node 0 MemFree:         100 kB
            Node 0 Active(file):     20 kB
            Node 0 Inactive(file):    3 kB
            Node 0 Active:         2000 kB
            """,
        ])
        let room = MemoryRoom.current(of: [0, 1], root: tree.path)
        #expect(room == MemoryRoom(total: 700 << 10, nodes: [0: 123 << 10]))
        #expect(MemoryRoom.current(of: [0], root: try FakeRoot([:]).path) == MemoryRoom())
    }

    @Test func aContainersLimitBoundsTheRoom() throws {
        let unified = try FakeRoot([
            "proc/meminfo": "MemAvailable: 9000 kB",
            "proc/self/cgroup": "0::/a/b",
            "proc/self/mountinfo": Self.unifiedMount,
            "sys/fs/cgroup/a/memory.max": "100000",
            "sys/fs/cgroup/a/memory.current": "60000",
            "sys/fs/cgroup/a/memory.stat": "anon 40000\nfile 20000\ninactive_file 15000\n",
            "sys/fs/cgroup/a/b/memory.max": "max",
            "sys/fs/cgroup/a/b/memory.current": "10",
        ])
        #expect(MemoryRoom.current(of: [], root: unified.path).total == 55_000)
        let first = try FakeRoot([
            "proc/self/cgroup": "4:memory:/m\n0::/",
            "proc/self/mountinfo": "32 1 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "sys/fs/cgroup/memory/m/memory.limit_in_bytes": "100000",
            "sys/fs/cgroup/memory/m/memory.usage_in_bytes": "120000",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "5",
        ])
        #expect(MemoryRoom.current(of: [], root: first.path).total == 0)
    }

    private func limit(_ files: [String: String]) throws -> Double? {
        let tree = try FakeRoot(files)
        return MachineTopology.read(root: tree.path, affinity: [0]).cpuLimit
    }
}

/// A folder with the given files, removed when released.
private final class FakeRoot {
    let path = NSTemporaryDirectory() + "topology." + UUID().uuidString

    init(_ files: [String: String]) throws {
        for (name, contents) in files {
            let file = URL(fileURLWithPath: path + "/" + name)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(),
                withIntermediateDirectories: true
            )
            try Data((contents + "\n").utf8).write(to: file)
        }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
