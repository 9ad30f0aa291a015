import Foundation
import Synchronization
import Testing
import Topology

@Suite struct PlacementTests {
    @Test func aThreadIsPinnedToItsSlot() throws {
        let topology = try MachineTopology.current()
        let slot = try #require(
            try planSlots(topology: topology, request: SlotRequest(threadsPerWorker: 1)).slots.last
        )
        let outcome = try onOwnThread { (Placement.apply(slot, memory: .bind), try MachineTopology.current().allowed) }
        #expect(outcome.1 == slot.cpus)
        #expect(outcome.0 == [])
        // The rest of the process is where it was.
        #expect(try MachineTopology.current().allowed == topology.allowed)
    }

    @Test func whatCannotBeHadIsAWarning() throws {
        let allowed = try MachineTopology.current().allowed
        let absent = Slot(id: 0, node: 700, cpus: [CPUSet.largestNumber])
        let outcome = try onOwnThread {
            (Placement.apply(absent, memory: .bind), try MachineTopology.current().allowed)
        }
        #expect(outcome.0.count == 2, "\(outcome.0)")
        #expect(outcome.0.first?.hasPrefix("cannot pin to CPUs 8191: sched_setaffinity: ") == true)
        #expect(outcome.0.last?.contains("node 700") == true)
        #expect(outcome.1 == allowed)

        let first = try #require(allowed.first { _ in true })
        let partly = Slot(id: 0, node: 0, cpus: [first, CPUSet.largestNumber])
        let warnings = try onOwnThread { Placement.apply(partly, memory: .prefer) }
        #expect(warnings.first == "asked for CPUs \(partly.cpus), but the cpuset allows only \(first)")
    }

    @Test func placementCountsTouchedAndUntouchedPages() throws {
        let pageSize = Int(getpagesize())
        let pages = 3000
        let memory = mmap(nil, pages * pageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
        let start = try #require(memory)
        defer { munmap(start, pages * pageSize) }
        // Huge pages would bring in more than was touched.
        _ = madvise(start, pages * pageSize, 15)
        for page in 0..<(pages / 2) { start.storeBytes(of: 1, toByteOffset: page * pageSize, as: UInt8.self) }

        let range = UnsafeRawBufferPointer(start: start, count: pages * pageSize)
        guard let placement = Placement.memoryPlacement(of: range) else {
            #expect(Placement.isMemoryPolicyAvailable == false)
            return
        }
        #expect(placement.presentPages == pages / 2)
        #expect(placement.absentPages == pages / 2)
        let nodes = try MachineTopology.current().nodes
        if nodes.count == 1 { #expect(placement.share(onNode: nodes[0].id) == 1) }
        #expect(placement.share(onNode: 700) == 0)

        // A range that begins and ends inside pages covers those pages.
        let crooked = UnsafeRawBufferPointer(start: start + pageSize - 1, count: 2)
        #expect(Placement.memoryPlacement(of: crooked)?.presentPages == 2)
        #expect(Placement.memoryPlacement(of: UnsafeRawBufferPointer(start: nil, count: 0))?.share(onNode: 0) == 1)
    }
}

/// Runs a function on a thread of its own, so that its placement ends with it.
private func onOwnThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
    let outcome = Outcome<Value>()
    Thread.detachNewThread {
        let result = Result { try body() }
        outcome.result.withLock { $0 = result }
        outcome.ended.signal()
    }
    try #require(outcome.ended.wait(timeout: .now() + 30) == .success)
    return try #require(outcome.result.withLock { $0 }).get()
}

private final class Outcome<Value: Sendable>: Sendable {
    let result = Mutex<Result<Value, any Error>?>(nil)
    let ended = DispatchSemaphore(value: 0)
}
