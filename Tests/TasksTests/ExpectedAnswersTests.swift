import Foundation
import Messages
import Tasks
import TestSupport
import Testing

/// Lines of `expected.jsonl` with answers of `transformers` 4.57 and sentence-transformers, as recorded in Golden.
@Suite struct ExpectedAnswersTests {
    private static let fox = "The quick brown fox jumps over the lazy dog."

    /// A line, and how it is made wrong: what is exchanged, and what is then said.
    struct Case: Sendable, CustomTestStringConvertible {
        let model: String
        let line: String
        let right, wrong: String
        let message: String

        var testDescription: String { "\(model): \(message)" }
    }

    static let cases = [
        Case(
            model: "bert-three",
            line: #"""
                {"task":"classify","input":"\#(fox)","options":{"top_k":null},"answer":[{"label":"middle","score":0.5502319},
                {"label":"high","score":0.3638381},{"label":"low","score":0.0859299}],"tolerance":1e-5}
                """#,
            right: "0.3638381",
            wrong: "0.3648381",
            message: "answer[1].score is 0.36383"
        ),
        Case(
            model: "bert-three",
            line: #"""
                {"task":"classify","input":{"text":"\#(fox)","text_pair":"Is it new?"},
                "answer":[{"score":0.7671341,"label":"middle"}]}
                """#,
            right: #""middle""#,
            wrong: #""high""#,
            message: #"answer[0].label is "middle", expected "high""#
        ),
        Case(
            model: "bert-entities",
            line: #"""
                {"task":"tag","input":"東京タワー 서울","options":{"aggregation_strategy":"none"},"answer":[]}
                """#,
            right: "",
            wrong: "",
            message: "answer has 4 elements, expected 0"
        ),
        Case(
            model: "bert-answers",
            line: #"""
                {"task":"answer","input":{"question":"where is the fox?","context":"\#(fox)"},
                "options":{"top_k":3,"handle_impossible_answer":true},
                "answer":[{"answer":"jumps over the lazy","score":0.01506545,"start":20,"end":39},
                {"answer":"quick","score":0.01020802,"start":4,"end":9},{"answer":"lazy","score":0.007457024,"start":35,"end":39}]}
                """#,
            right: #""start":4"#,
            wrong: #""start":5"#,
            message: "answer[1].start is 4, expected 5"
        ),
        Case(
            model: "bert-masked",
            line: #"""
                {"task":"fill-mask","input":"the [MASK] is new [MASK]","options":{"targets":["fox"]},"answer":
                [[{"score":0.007898704,"token":891,"token_str":"fox","sequence":"[CLS] the fox is new [MASK] [SEP]"}],
                [{"score":0.00834479,"token":891,"token_str":"fox","sequence":"[CLS] the [MASK] is new fox [SEP]"}]]}
                """#,
            right: "new fox",
            wrong: "new  fox",
            message: #"answer[1][0].sequence is "[CLS] the [MASK] is new fox [SEP]", expected"#
        ),
        Case(
            model: "bert-nli",
            line: #"""
                {"task":"zero-shot","input":{"text":"\#(fox)","labels":["fox","york"]},"options":{"multi_label":true},
                "answer":{"labels":["york","fox"],"scores":[0.6204493,0.5951412]}}
                """#,
            right: #"["york","fox"],"scores""#,
            wrong: #"["fox","york"],"scores""#,
            message: #"answer.labels[0] is "york", expected "fox""#
        ),
        Case(
            model: "bert-one",
            line: #"""
                {"task":"rerank","input":{"query":"where is the fox?","texts":["\#(fox)","!?","a"]},
                "answer":[{"corpus_id":0,"score":0.4012361,"text":"\#(fox)"},{"corpus_id":2,"score":0.3962239,"text":"a"},
                {"corpus_id":1,"score":0.3937539,"text":"!?"}]}
                """#,
            right: #""corpus_id":2"#,
            wrong: #""corpus_id":1"#,
            message: "answer[1].corpus_id is 2, expected 1"
        ),
        Case(
            model: "bert-choice",
            line: #"""
                {"task":"multiple-choice","input":{"text":"\#(fox)","choices":["the fox","york.",""]},
                "answer":{"index":1,"scores":[0.3201186,0.3439782,0.3359032]}}
                """#,
            right: #""index":1"#,
            wrong: #""index":0"#,
            message: "answer.index is 1, expected 0"
        ),
        Case(
            model: "distilbert-dense",
            line: #"""
                {"task":"embed","input":"\#(fox)","options":{"truncate_dim":5},
                "answer":[0.267833,0.1495564,-0.3665624,0.189266,0.3737843]}
                """#,
            right: "0.1495564,-0.3665624",
            wrong: "0.1499564,-0.3765624",
            message: "answer[2] is -0.3665"
        ),
    ]

    private func difference(_ model: Model, _ line: String) throws -> String? {
        try Array(line.utf8).withUnsafeBytes { try ExpectedAnswer(parsing: $0) }.difference(from: model)
    }

    @Test(arguments: cases) func rightAnswersAgreeAndWrongOnesAreNamed(_ item: Case) throws {
        let model = try GoldenModels.load(item.model)
        if !item.right.isEmpty {
            #expect(try difference(model, item.line) == nil)
            #expect(item.line.contains(item.right))
        }
        let wrong = item.right.isEmpty ? item.line : item.line.replacingOccurrences(of: item.right, with: item.wrong)
        let message = try #require(try difference(model, wrong))
        #expect(message.hasPrefix(item.message), "\(message)")
    }

    /// Features are right as the golden tests prove them, and then changed.
    @Test func idsAreIntegersAndFeaturesNumbers() throws {
        let model = try GoldenModels.load("bert-masked")
        func answer(_ task: String, _ input: String, _ answer: String) throws -> String? {
            try difference(model, #"{"task":"\#(task)","input":"\#(input)","answer":\#(answer)}"#)
        }
        let right = #"{"ids":[2,891,43,3],"offsets":[[0,0],[0,3],[4,5],[0,0]]}"#
        #expect(try answer("tokenize", "fox a", right) == nil)
        let off = try answer("tokenize", "fox a", right.replacingOccurrences(of: "[4,5]", with: "[4,6]"))
        #expect(off == "answer.offsets[2][1] is 5, expected 6")
        let near = try answer("tokenize", "fox a", right.replacingOccurrences(of: "891", with: "891.00001"))
        #expect(near == "answer.ids[1] is 891, expected 891.00001")
        let request = FeaturesRequest(inputs: [TextInput(text: "fox a")])
        guard case .features(let states) = try model.answer(.features(request)) else {
            throw CocoaError(.coderInvalidValue)
        }
        let hidden = Int(states.results[0].hidden)
        var rows = (0..<Int(states.results[0].tokens)).map { row in
            states.results[0].values[row * hidden..<(row + 1) * hidden].map { Double($0) }
        }
        #expect(try answer("features", "fox a", "\(rows)") == nil)
        rows[3][7] += 0.0002
        #expect(try answer("features", "fox a", "\(rows)")?.hasPrefix("answer[3][7] is ") == true)
        #expect(try answer("classify", "a", "[]")?.contains("has no classify") == true)
    }

    @Test(arguments: [
        ("[1]", "a line is an object with task, input and answer"),
        ("{", "this is not JSON: column 2"),
        (#"{"task":"clasify","input":"a","answer":[]}"#, "`task` must be one of classify, embed"),
        (#"{"task":"infer","input":"a","answer":[]}"#, "`task` must be one of"),
        (#"{"task":"classify","answer":[]}"#, #"the key "input" is missing"#),
        (#"{"task":"classify","input":"a"}"#, #"the key "answer" is missing"#),
        (
            #"{"task":"classify","input":"a","answer":[],"note":1}"#,
            "`note` is unknown; a line has task, input, options"
        ),
        (#"{"task":"classify","input":"a","answer":[],"tolerance":0}"#, "`tolerance` must be a number above 0"),
        (
            #"{"task":"classify","input":"a","options":{"topk":1},"answer":[]}"#,
            "`options.topk` is unknown; `options` of"
        ),
        (
            #"{"task":"classify","input":"a","options":{"top_k":0},"answer":[]}"#,
            "`options.top_k` must be an integer from 1"
        ),
        (#"{"task":"tag","input":["a"],"answer":[]}"#, "`input` must be a string"),
        (#"{"task":"tag","input":{"text":"a","text_pair":"b"},"answer":[]}"#, "`input.text_pair` is unknown"),
        (#"{"task":"tag","input":"a","options":{"aggregation_strategy":"best"},"answer":[]}"#, "one of none, simple"),
        (
            #"{"task":"zero-shot","input":{"text":"a","labels":["b",1]},"answer":{}}"#,
            "`input.labels[1]` must be a string"
        ),
        (#"{"task":"features","input":"a","options":{"top_k":1},"answer":[]}"#, "`options` of features has nothing"),
    ])
    func whatIsMalformedIsNamed(_ line: String, _ message: String) throws {
        let error = try #require(throws: ExpectedAnswersError.self) {
            try Array(line.utf8).withUnsafeBytes { _ = try ExpectedAnswer(parsing: $0) }
        }
        #expect(error.description.contains(message), "\(error)")
    }

    @Test func aFileNamesItsLines() throws {
        let seeded = try SeededModel()
        let folder = try TemporaryFolder()
        #expect(try ExpectedAnswers(folder: folder.path) == nil)
        let unlabelled = #"{"task":"classify","input":"a b","answer":[{"label":"X","score":0.5}]}"#
        try folder.write("expected.jsonl", "\n\(unlabelled)\r\n   \n{}\n\(unlabelled)\n\(unlabelled)\n")
        let file = try #require(try ExpectedAnswers(folder: folder.path))
        var calls = 0
        let error = try #require(throws: ExpectedAnswersError.self) {
            _ = try file.compare(with: seeded.model) { calls += 1 }
        }
        #expect(calls > 4 + 3 * 2, "after each line, and between the products of three answers")
        let label = #"(classify "a b"): answer[0].label is "LABEL_"#
        #expect(error.description.hasPrefix("\(folder.path)/expected.jsonl line 2 \(label)"), "\(error)")
        let others = #"; line 4: the key "task" is missing; line 5 (classify "a b")"#
        #expect(error.description.contains(others), "\(error)")
        #expect(error.description.hasSuffix("; and 1 more of 4 lines"), "\(error)")
        // Of tokenize alone there is none, and one line cannot be read.
        let other = try #require(throws: ExpectedAnswersError.self) {
            _ = try file.compare(with: seeded.model, tasks: [.tokenize])
        }
        #expect(other.description.hasSuffix(#"expected.jsonl line 4: the key "task" is missing"#), "\(other)")
    }

    @Test func onlyRegularFilesOfABoundedSizeAreRead() throws {
        let folder = try TemporaryFolder()
        try folder.makeFolder("expected.jsonl")
        #expect(throws: ExpectedAnswersError.self) { try ExpectedAnswers(folder: folder.path) }
        try FileManager.default.removeItem(atPath: folder("expected.jsonl"))
        try FileManager.default.createSymbolicLink(atPath: folder("expected.jsonl"), withDestinationPath: "nowhere")
        #expect(throws: ExpectedAnswersError.self) { try ExpectedAnswers(folder: folder.path) }
        try FileManager.default.removeItem(atPath: folder("expected.jsonl"))
        try folder.write("expected.jsonl", [UInt8](repeating: UInt8(ascii: "\n"), count: 16 << 20 + 1))
        #expect(throws: ExpectedAnswersError.self) { try ExpectedAnswers(folder: folder.path) }
    }
}
