import Messages
import Testing
import Wire

@Suite struct ModelReferenceTests {
    @Test(arguments: [
        ("sentiment", ModelReference(name: "sentiment")),
        ("sentiment@2", ModelReference(name: "sentiment", version: 2)),
        ("sentiment:int8", ModelReference(name: "sentiment", variant: "int8")),
        (
            "all-MiniLM-L6_v2.1@18446744073709551615:fp32",
            ModelReference(name: "all-MiniLM-L6_v2.1", version: .max, variant: "fp32")
        ),
    ])
    func parses(_ text: String, _ reference: ModelReference) throws {
        #expect(try ModelReference(parsing: text) == reference)
        #expect(reference.description == text)
    }

    @Test(arguments: [
        ("", "the name is missing"), ("@2", "the name is missing"), (":fp32", "the name is missing"),
        ("m@", "the version after '@' is missing"), ("m:", "the variant after ':' is missing"),
        ("m@0", "whole number from 1"), ("m@01", "without zeros"), ("m@-1", "whole number from 1"),
        ("m@+1", "whole number from 1"),
        ("m@18446744073709551616", "whole number from 1"), ("m@stable", "whole number from 1"),
        ("m@1@2", "whole number from 1"), ("m:a:b", "a variant is at most 32"), ("m:FP32", "a variant is"),
        ("m:fp32@2", "a variant is"), ("../m", "a name is made of"), (".m", "a name is made of"),
        ("a/b", "a name is made of"), ("a b", "a name is made of"), ("a\u{0}", "a name is made of"),
        ("é", "a name is made of"), (String(repeating: "m", count: 129), "at most 128"),
    ])
    func refuses(_ text: String, _ reason: String) {
        let error = #expect(throws: WireError.self) { try ModelReference(parsing: text) }
        #expect(error?.field == "model")
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.status == .invalidArgument)
    }

    @Test func statusNamesAreGRPCs() {
        #expect(StatusCode.allCases.count == 17)
        #expect(StatusCode.allCases.map(\.rawValue) == Array(0...16))
        #expect(StatusCode.unauthenticated.name == "UNAUTHENTICATED")
        #expect(Set(StatusCode.allCases.map(\.name)).count == 17)
    }
}
