import DistilBERT
import Distillation
import Tensors
import Testing
import Training

@Suite struct MemoryPlanTests {
    private let task: SmallRun.Task

    init() throws { task = try SmallRun.Task() }

    private func plan(_ available: Int, tokens: Int = 2048) throws(DistillationError) -> MemoryPlan {
        let plan = task.source.plan
        return try MemoryPlan.fitting(
            plan,
            values: ParameterLayout(plan).count,
            tokens: tokens,
            format: .float32,
            teacher: nil,
            available: available
        )
    }

    @Test func whatFitsIsKeptAndElseComputedAgain() throws {
        let everything = try plan(.max)
        #expect(everything.memory == .everything)
        #expect(!everything.sentence.contains("computed again"))
        #expect(try plan(everything.total).memory == .everything)
        let outputs = try plan(everything.total - 1)
        #expect(outputs.memory == .outputs && outputs.total < everything.total)
        #expect(outputs.sentence.contains("does not fit and is computed again"))
        #expect(try plan(outputs.total).memory == .outputs)
        let error = #expect(throws: DistillationError.self) { try plan(outputs.total - 1) }
        #expect(error?.message.contains("compute fewer tokens at a time (`batch_tokens`, now 2048)") == true)
        #expect(try plan(outputs.total - 1, tokens: 512).memory == .everything, "fewer tokens need less")
    }
}
