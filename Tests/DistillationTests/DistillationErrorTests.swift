import Distillation
import Testing

@Suite struct DistillationErrorTests {
    @Test func exitStatusesAreThoseThatScriptsRelyOn() {
        #expect(DistillationError.failed("").exitStatus == 1)
        #expect(DistillationError.usage("").exitStatus == 2)
        #expect(DistillationError(.belowFloor, "").exitStatus == 3)
    }
}
