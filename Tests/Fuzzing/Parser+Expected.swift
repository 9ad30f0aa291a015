import Messages
import Tasks

extension Parser {
    /// Lines of `expected.jsonl`.
    static let expected = Parser(name: "expected") {
        [
            #"{"task":"classify","input":{"text":"a","text_pair":"b"},"options":{"top_k":null,"truncation":true},"#
                + #""answer":[{"label":"A","score":0.5}],"tolerance":1e-3}"#,
            #"{"task":"tag","input":"a","options":{"aggregation_strategy":"simple"},"answer":[]}"#,
            #"{"task":"rerank","input":{"query":"q","texts":["a","b"]},"answer":[]}"#,
        ].map { Array($0.utf8) }
    } run: { bytes in
        guard let line = try? bytes.withUnsafeBytes({ try ExpectedAnswer(parsing: $0) }) else { return false }
        precondition(line.tolerance > 0 && line.request.method != .infer && !line.summary.contains("\n"))
        return true
    }
}
