import Foundation
import Testing

/// The model that comes with the repository.
enum IntentsModel {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("ops/models/intents/1").path
}

/// That the model of `ops/models` answers in every precision. Its `expected.jsonl` is compared before it is READY; these are
/// questions that the file does not have.
@Suite(.timeLimit(.minutes(5))) struct IntentsModelTests {
    @Test func everyPrecisionKnowsWhatCustomersWant() throws {
        let server = try ModelServer(
            models: [:],
            configurations: ["intents": "variants: [fp32, bf16, int8]\n"],
            links: ["intents/1": IntentsModel.folder]
        )
        // In plain C its calibration takes a minute.
        try server.waitUntilReady(within: 150)
        let questions = [
            "My card has not arrived yet.": "card_arrival", "How do I change my PIN?": "change_pin",
            "Why was I charged twice for one payment?": "transaction_charged_twice",
            "I think somebody has stolen my phone": "lost_or_stolen_phone",
            "Which currencies can I hold?": "fiat_currency_support", "please close my account": "terminate_account",
        ]
        for variant in ["intents", "intents:bf16", "intents:int8"] {
            for (question, label) in questions {
                let answer = try server.modelctl("classify", variant, question, "--json")
                #expect(
                    answer.output.hasPrefix("[{\"label\":\"\(label)\","),
                    "\(variant): \(question) \(answer.output)"
                )
            }
        }
        #expect(try server.modelctl("status", "-v").output.contains("against fp32"))
    }
}
