import Messages
import ModelClient
import Testing

import struct ModelClient.ServerEvent

@Suite struct ServerEventTests {
    /// Who reads too slowly, and who is told anew after a connection was lost.
    @Test func aGapInTheNumbersIsWhatWasMissed() {
        let message = Messages.ServerEvent(
            number: 5,
            unixMicroseconds: 1_500_000,
            severity: .warning,
            message: "worker died: exit 3",
            fields: [EventField(name: "model", value: "a@1:fp32")]
        )
        let event = ServerEvent(message, after: 2)
        #expect(event.missed == 2 && event.time == .milliseconds(1500) && event.severity == .warning)
        #expect(event.message == "worker died: exit 3" && event.fields == ["model": "a@1:fp32"])
        #expect(ServerEvent(message, after: 4).missed == 0)
        #expect(ServerEvent(message, after: 9).missed == 0)
    }
}
