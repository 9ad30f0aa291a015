import Testing
import Training

@Suite struct TrainingErrorTests {
    @Test func saysWhatIsWrong() {
        #expect("\(TrainingError("the loss is not finite"))" == "the loss is not finite")
    }
}
