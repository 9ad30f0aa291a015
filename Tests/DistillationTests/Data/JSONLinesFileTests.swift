import Distillation
import Testing

@Suite struct JSONLinesFileTests {
    @Test func linesHoldTextsPairsAndLabels() throws {
        let data = try read(
            """
            {"text": "a", "label": "no", "id": 7}\r

            {"label": "yes", "text": "b\\nc", "text_pair": "d", "other": [null]}
            """,
            as: "d.json"
        )
        #expect(data.examples.map(\.text) == ["a", "b\nc"])
        #expect(data.examples.map(\.pair) == [nil, "d"])
        #expect(data.examples.map(\.target) == [.label(0), .label(1)])
        #expect(data.examples[0].id == "7")
    }

    @Test func probabilitiesAreInTheOrderOfTheLabels() throws {
        let data = try read(
            #"{"text":"a","label":"x","probabilities":{"y":0.75,"x":0.25}}"# + "\n" + #"{"text":"b","label":"z"}"#,
            as: "d.jsonl"
        )
        #expect(data.labels == ["x", "y", "z"])
        #expect(data.examples.map(\.target) == [.probabilities([0.25, 0.75, 0]), .label(2)])
        #expect(data.warnings.contains { $0.hasPrefix("1 example with a label that is not the likeliest") })
    }

    @Test func wordsHaveTags() throws {
        let data = try read(
            #"{"tokens":["Anna","lives"],"tags":["B-PER","O"]}"# + "\n" + #"{"tokens":["x"],"tags":["O"]}"#,
            as: "d.jsonl"
        )
        #expect(data.task == .tag)
        #expect(data.labels == ["B-PER", "O"])
        #expect(data.examples[0] == Example(text: "Anna lives", words: ["Anna", "lives"], target: .tags([0, 1])))
    }

    @Test func answersStandInEitherForm() throws {
        let lines =
            #"{"question":"q","context":"é 😀 ab","answers":{"text":["ab","ab"],"answer_start":[4,4]}}"# + "\n"
            + #"{"question":"q","context":"c","answers":[]}"#
        let data = try read(lines, as: "d.jsonl")
        #expect(data.task == .answer)
        #expect(data.examples.map(\.target) == [.answers([.init(text: "ab", start: 4)]), .answers([])])
    }

    @Test(arguments: [
        (#"{"text":"a","label":"b"}"# + "\n" + #"{"text":"a""#, "d.jsonl, line 2: column 12: a comma"),
        (#"[{"text":"a"}]"#, "d.jsonl, line 1: an array stands where an object should"),
        (
            #"{"body":"a"}"#,
            #"d.jsonl, line 1: the key "text" is missing; there are "body"; name yours with --text-column"#
        ),
        (#"{"text":3}"#, #"d.jsonl, line 1: "text" is 3, not a string"#),
        (#"{"text":" "}"#, #"d.jsonl, line 1: "text" is empty"#),
        (#"{"text":"a","label":{}}"#, #"d.jsonl, line 1: "label" is an object, not a label"#),
        (#"{"text":"a","labels":["b",null]}"#, #"d.jsonl, line 1: "labels[1]" is null, not a label"#),
        (
            #"{"text":"a","probabilities":{"x":2}}"#,
            #"d.jsonl, line 1: the probability of "x" is 2, not a number from 0 to 1"#
        ),
        (#"{"text":"a","probabilities":{"x":0.5}}"#, "d.jsonl, line 1: the probabilities sum to 0.5, not to 1"),
        (#"{"tokens":["a","b"],"tags":["O"]}"#, "d.jsonl, line 1: 1 tag for 2 tokens; each token needs one"),
        (#"{"tokens":["a"," "],"tags":["O","O"]}"#, "d.jsonl, line 1: the token 1 (from 0) is empty"),
        (
            #"{"question":"q","context":"éab","answers":[{"text":"ab","answer_start":2}]}"#,
            #"d.jsonl, line 1: the answer "ab" does not stand at code point 2 of the context"#
        ),
        (
            #"{"question":"q","context":"ab","answers":[{"text":"ab","answer_start":9223372036854775807}]}"#,
            #"d.jsonl, line 1: the answer "ab" does not stand at code point 9223372036854775807"#
        ),
        (#"{"text":"a","label":"x"}"# + "\n" + #"{"text":"b"}"#, "d.jsonl, line 2: the label is missing"),
        (
            #"{"text":"a","label":"x"}"# + "\n" + #"{"tokens":["b"],"tags":["O"]}"#,
            "d.jsonl, line 1: tags need JSON lines"
        ),
    ])
    func errorsNameTheLine(text: String, expected: String) {
        #expect(problem(text, as: "d.jsonl").hasPrefix(expected), "\(problem(text, as: "d.jsonl"))")
    }
}
