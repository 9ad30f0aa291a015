import Foundation
import Testing
import Topology

/// How many times its usual work a randomised test does; `ops/nightly` asks for more.
private let effort = ProcessInfo.processInfo.environment["DISTILLERY_FUZZ_FACTOR"].flatMap { Int($0) } ?? 1

@Suite struct SlotPlanTests {
    @Test func cutsEachNodeIntoSlots() throws {
        let plan = try planSlots(topology: machine([8, 8]), request: SlotRequest(threadsPerWorker: 4))
        #expect(
            plan.slots == [
                Slot(id: 0, node: 0, cpus: [0, 1, 2, 3]), Slot(id: 1, node: 0, cpus: [4, 5, 6, 7]),
                Slot(id: 2, node: 1, cpus: [8, 9, 10, 11]), Slot(id: 3, node: 1, cpus: [12, 13, 14, 15]),
            ]
        )
        #expect(plan.warnings == [])
    }

    @Test func aSlotNeverSpansNodes() throws {
        let plan = try planSlots(topology: machine([3, 3]), request: SlotRequest(threadsPerWorker: 2))
        #expect(plan.slots.map(\.cpus) == [[0, 1], [3, 4]])
        #expect(
            plan.warnings == [
                "CPUs 2 of node 0 are idle: 3 is not a multiple of 2",
                "CPUs 5 of node 1 are idle: 3 is not a multiple of 2",
            ]
        )
    }

    @Test func tooManyThreadsAreReducedToTheLargestNode() throws {
        let plan = try planSlots(topology: machine([2, 4]), request: SlotRequest(threadsPerWorker: 16))
        #expect(plan.slots == [Slot(id: 0, node: 1, cpus: [2, 3, 4, 5])])
        #expect(plan.warnings.first == "threads_per_worker is 16, but no node has more than 4 CPUs: using 4")
    }

    @Test func aMaximumSpreadsOverTheNodes() throws {
        let request = SlotRequest(threadsPerWorker: 2, maxSlots: 3)
        let plan = try planSlots(topology: machine([8, 8]), request: request)
        #expect(plan.slots.map(\.node) == [0, 0, 1])
        #expect(plan.slots.map(\.cpus) == [[0, 1], [2, 3], [8, 9]])
        #expect(plan.warnings == [])
    }

    @Test func reservedCPUsComeFromTheRichestNode() throws {
        let request = SlotRequest(threadsPerWorker: 2, reserveCPUs: 2)
        let plan = try planSlots(topology: machine([4, 6]), request: request)
        #expect(plan.slots.map(\.cpus) == [[0, 1], [2, 3], [6, 7], [8, 9]])

        let greedy = try planSlots(
            topology: machine([2]),
            request: SlotRequest(threadsPerWorker: 1, reserveCPUs: 9)
        )
        #expect(greedy.slots.map(\.cpus) == [[1]])
        #expect(greedy.warnings == ["reserve_cpus is 9, but only 2 CPUs are usable: reserving 1"])
    }

    @Test func affinityAndTheListOfCPUsBothLimit() throws {
        var topology = machine([4, 4])
        topology.allowed = [1, 2, 3, 5, 6]
        let all = try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: 1))
        #expect(all.slots.map(\.cpus) == [[1], [2], [3], [5], [6]])

        let some = try planSlots(
            topology: topology,
            request: SlotRequest(threadsPerWorker: 2, cpus: [0, 1, 2, 6])
        )
        #expect(some.slots.map(\.cpus) == [[1, 2]])
        #expect(some.warnings.first == "CPUs 0 were asked for, but this process may only use 1-3,5-6")

        let none = #expect(throws: TopologyError.self) {
            try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: 1, cpus: [0, 7]))
        }
        #expect(none == .noUsableCPU(wanted: [0, 7], allowed: [1, 2, 3, 5, 6]))
        #expect(none?.description == "none of the CPUs 0,7 may be used by this process; it may use 1-3,5-6")
    }

    @Test(arguments: [
        (limit: 4.0, threads: 2, slots: 2, size: 2),
        (limit: 2.5, threads: 1, slots: 2, size: 1),
        (limit: 3.0, threads: 2, slots: 1, size: 2),
        (limit: 0.5, threads: 4, slots: 1, size: 1),
        (limit: 100.0, threads: 4, slots: 2, size: 4),
    ])
    func aQuotaBoundsTheCPUsOfAllSlots(limit: Double, threads: Int, slots: Int, size: Int) throws {
        var topology = machine([8])
        topology.cpuLimit = limit
        let plan = try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: threads))
        #expect(plan.slots.count == slots)
        #expect(plan.slots.allSatisfy { $0.cpus.count == size })
        #expect(plan.warnings.contains { $0.contains("the cgroup's CPU limit") } == (limit < 8))
        #expect(plan.warnings.contains { $0.contains("0.5 CPUs: using 1") } == (limit == 0.5))
    }

    @Test func threadsOfOneCoreStayTogether() throws {
        // Numbered as x86 machines do: CPU n and n + 4 are one core.
        let cores: [CPUSet] = [[0, 4], [1, 5], [2, 6], [3, 7]]
        let node = MachineTopology.Node(id: 0, cpus: CPUSet(0..<8), cores: cores)
        let topology = MachineTopology(nodes: [node], allowed: CPUSet(0..<8))
        let plan = try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: 4))
        #expect(plan.slots.map(\.cpus) == [[0, 1, 4, 5], [2, 3, 6, 7]])
    }

    @Test func aNodeWhoseMemoryIsForbiddenIsReported() throws {
        var topology = machine([1, 1])
        topology.memoryNodes = [0]
        let plan = try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: 1))
        #expect(plan.slots.count == 2)
        #expect(plan.warnings.count == 1 && plan.warnings[0].contains("no memory of node 1"))
    }

    @Test func settingsOutOfRangeAreNamed() {
        let requests = [
            ("threads_per_worker", SlotRequest(threadsPerWorker: 0)),
            ("max_slots", SlotRequest(threadsPerWorker: 1, maxSlots: 0)),
            ("reserve_cpus", SlotRequest(threadsPerWorker: 1, reserveCPUs: -1)),
        ]
        for (name, request) in requests {
            let error = #expect(throws: TopologyError.self) {
                try planSlots(topology: machine([4]), request: request)
            }
            #expect(error?.description.hasPrefix("\(name) is ") == true)
        }
    }

    /// The promises that hold for every machine and every request, over many of both.
    @Test func everyPlanKeepsItsPromises() throws {
        var random = SplitMix(state: 42)
        var planned = 0
        for _ in 0..<(1500 * effort) {
            let topology = random.machine()
            let request = random.request()
            let usable = topology.nodes.reduce(CPUSet()) { $0.union($1.cpus) }.intersection(topology.allowed)
                .intersection(request.cpus ?? topology.allowed)
            guard !usable.isEmpty else {
                #expect(throws: TopologyError.self) { try planSlots(topology: topology, request: request) }
                continue
            }
            let plan = try planSlots(topology: topology, request: request)
            planned += 1
            try check(plan, topology, request, usable)
        }
        #expect(planned > 1000 * effort)
    }

    private func check(
        _ plan: SlotPlan,
        _ topology: MachineTopology,
        _ request: SlotRequest,
        _ usable: CPUSet
    ) throws {
        let first = try #require(plan.slots.first)
        var taken = CPUSet()
        var wrong: [String] = []
        for (index, slot) in plan.slots.enumerated() {
            let node = topology.nodes.first { $0.id == slot.node }
            if slot.id != index { wrong.append("slot \(index) has number \(slot.id)") }
            if !slot.cpus.isSubset(of: usable) { wrong.append("slot \(index) uses a CPU that is not usable") }
            if node.map({ slot.cpus.isSubset(of: $0.cpus) }) != true { wrong.append("slot \(index) spans nodes") }
            if !slot.cpus.intersection(taken).isEmpty { wrong.append("slot \(index) overlaps another") }
            if slot.cpus.count != first.cpus.count { wrong.append("slot \(index) has another size") }
            taken = taken.union(slot.cpus)
        }
        if first.cpus.count > request.threadsPerWorker { wrong.append("a slot is larger than asked for") }
        if first.cpus.count < request.threadsPerWorker && plan.warnings.isEmpty { wrong.append("smaller, unexplained") }
        if let most = request.maxSlots, plan.slots.count > most { wrong.append("more slots than asked for") }
        if taken.count > max(1, usable.count - request.reserveCPUs) { wrong.append("reserved CPUs are used") }
        if let quota = topology.cpuLimit, taken.count > max(1, Int(quota)) { wrong.append("the quota is exceeded") }

        let isLimited = request.maxSlots != nil || request.reserveCPUs > 0 || topology.cpuLimit != nil
        if !isLimited {
            for node in topology.nodes {
                let idle = node.cpus.intersection(usable).subtracting(taken).count
                if idle >= first.cpus.count { wrong.append("node \(node.id) has room for another slot") }
            }
        }
        #expect(wrong == [], "\(topology), \(request): \(plan)")
    }
}

/// A machine with the given numbers of CPUs on its nodes, all allowed.
private func machine(_ cpusPerNode: [Int]) -> MachineTopology {
    var nodes: [MachineTopology.Node] = []
    var next = 0
    for (id, count) in cpusPerNode.enumerated() {
        nodes.append(MachineTopology.Node(id: id, cpus: CPUSet(next..<(next + count))))
        next += count
    }
    return MachineTopology(nodes: nodes, allowed: CPUSet(0..<next))
}

/// The SplitMix64 generator (Steele, Lea, Flood 2014): the same machines in every run.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    /// One to four nodes with scattered numbers, cores of one or two threads, and sometimes limits.
    mutating func machine() -> MachineTopology {
        var numbers = Array(0..<Int.random(in: 1...96, using: &self))
        if chance(50) { numbers.shuffle(using: &self) }
        let nodeCount = Int.random(in: 1...4, using: &self)
        var nodes: [MachineTopology.Node] = []
        for id in 0..<nodeCount {
            let share = numbers.enumerated().filter { $0.offset % nodeCount == id }.map(\.element)
            if share.isEmpty { continue }
            let isThreaded = chance(50)
            let cores = isThreaded ? stride(from: 0, to: share.count, by: 2).map { CPUSet(share[$0...].prefix(2)) } : []
            nodes.append(MachineTopology.Node(id: id * 2, cpus: CPUSet(share), cores: cores))
        }
        let allowed = chance(50) ? numbers.filter { _ in chance(70) } : numbers
        let limit = chance(30) ? Double.random(in: 0.1...100, using: &self) : nil
        return MachineTopology(nodes: nodes, allowed: CPUSet(allowed), cpuLimit: limit)
    }

    mutating func request() -> SlotRequest {
        SlotRequest(
            threadsPerWorker: Int.random(in: 1...(chance(80) ? 8 : 200), using: &self),
            maxSlots: chance(30) ? Int.random(in: 1...8, using: &self) : nil,
            reserveCPUs: chance(30) ? Int.random(in: 0...20, using: &self) : 0,
            cpus: chance(20) ? CPUSet((0..<96).filter { _ in chance(50) }) : nil
        )
    }
}
