import Configuration
import Supervisor
import Testing
import Topology

/// Where weights are to lie, by settings, nodes and memory.
@Suite struct WeightPlacementTests {
    private static let mebibyte: UInt64 = 1 << 20

    private func plan(
        _ policy: NUMAPolicy,
        isStrict: Bool = false,
        nodes: Set<Int>,
        _ room: MemoryRoom = MemoryRoom()
    ) -> WeightPlacement {
        .plan(policy, isStrict: isStrict, nodes: nodes, bytes: 256 * Self.mebibyte, room: room)
    }

    @Test func copiesAreForSeveralNodesThatHaveRoom() {
        #expect(plan(.auto, nodes: [0, 1]) == .replicated(nodes: [0, 1]), "where nothing is known of memory")
        #expect(plan(.auto, nodes: [3]) == .shared("all workers are on one node", isLacking: false))
        #expect(plan(.replicate, nodes: [3]) == .replicated(nodes: [3]))
        #expect(plan(.shared, isStrict: true, nodes: [0, 1]) == .shared("the setting numa says so", isLacking: false))
    }

    @Test func aNodeWithoutRoomIsNamed() {
        let room = MemoryRoom(nodes: [0: 4096 * Self.mebibyte, 1: 319 * Self.mebibyte])
        let reason = "a copy takes 256 MiB, and node 1 has room for 319"
        #expect(plan(.auto, nodes: [0, 1], room) == .shared(reason, isLacking: true))
        #expect(plan(.replicate, nodes: [0, 1], room) == .shared(reason, isLacking: true))
        #expect(plan(.auto, isStrict: true, nodes: [0, 1], room) == .refused(reason))
        #expect(plan(.auto, nodes: [0], room) == .shared("all workers are on one node", isLacking: false))
        let enough = MemoryRoom(nodes: [0: 320 * Self.mebibyte, 1: 320 * Self.mebibyte])
        #expect(plan(.auto, nodes: [0, 1], enough) == .replicated(nodes: [0, 1]))
    }

    @Test func row31AGenerationFitsBesideTheOneThatServes() {
        let shared = WeightPlacement.shared("", isLacking: false)
        let copied = WeightPlacement.replicated(nodes: [0, 1])
        func shortage(_ placement: WeightPlacement, pack: UInt64, own: UInt64?, free: UInt64?) -> String? {
            let room = MemoryRoom(total: free.map { $0 * Self.mebibyte })
            let copy = 256 * Self.mebibyte
            return placement.shortage(bytes: pack * Self.mebibyte, copy: copy, workers: 2, own: own, room: room)
        }
        #expect(shortage(shared, pack: 256, own: nil, free: nil) == nil, "nothing is known of memory")
        let reason = "a generation beside the one that serves needs 384 MiB, and 383 MiB are free"
        #expect(shortage(shared, pack: 256, own: nil, free: 383) == reason)
        #expect(shortage(shared, pack: 256, own: nil, free: 384) == nil)
        #expect(shortage(shared, pack: 0, own: 10 * Self.mebibyte, free: 20) == nil, "the pack is in memory already")
        #expect(shortage(shared, pack: 0, own: 10 * Self.mebibyte, free: 19) != nil)
        #expect(shortage(copied, pack: 0, own: 10 * Self.mebibyte, free: 531) != nil)
        #expect(shortage(copied, pack: 0, own: 10 * Self.mebibyte, free: 532) == nil)
    }

    /// A container may have less than its nodes.
    @Test func allTogetherHaveToFit() {
        let nodes = [0: 4096 * Self.mebibyte, 1: 4096 * Self.mebibyte]
        let reason = "a copy takes 256 MiB on each of 2 nodes, and there is room for 575 in all"
        let small = MemoryRoom(total: 575 * Self.mebibyte, nodes: nodes)
        #expect(plan(.auto, nodes: [0, 1], small) == .shared(reason, isLacking: true))
        let enough = MemoryRoom(total: 576 * Self.mebibyte, nodes: nodes)
        #expect(plan(.auto, nodes: [0, 1], enough) == .replicated(nodes: [0, 1]))
    }
}
