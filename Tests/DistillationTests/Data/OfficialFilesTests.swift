import Distillation
import Testing

/// GLUE's and SQuAD's files, as they are published.
@Suite struct OfficialFilesTests {
    private func glue(_ task: GLUETask, _ text: String, labels: [String]? = nil) throws -> Dataset {
        try read(text, as: "x", DatasetOptions(format: .glue(task), labels: labels))
    }

    @Test func everyTaskIsReadByItsColumns() throws {
        let files: [(GLUETask, String, String, String?, Target)] = [
            (.cola, "gj04\t0\t*\tThey drank.\n", "They drank.", nil, .label(0)),
            (.sst2, "sentence\tlabel\nhide new secretions \t1\n", "hide new secretions ", nil, .label(1)),
            (
                .mrpc, "\u{FEFF}Quality\t#1 ID\t#2 ID\t#1 String\t#2 String\r\n1\t7\t8\t\"A\tb\r\n", "\"A", "b",
                .label(1)
            ),
            (.qqp, "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta?\tb?\t0\n", "a?", "b?", .label(0)),
            (.qnli, "index\tquestion\tsentence\tlabel\n0\tq\ts\tnot_entailment\n", "q", "s", .label(1)),
            (.rte, "index\tsentence1\tsentence2\tlabel\n0\ta\tb\tentailment\n", "a", "b", .label(0)),
            (.wnli, "index\tsentence1\tsentence2\tlabel\n0\ta\tb\t1\n", "a", "b", .label(1)),
            (
                .mnli,
                "index\tgenre\tsentence1_parse\tsentence2_parse\tsentence1\tsentence2\tlabel1\tgold_label\n"
                    + "0\tx\tp\tp\ta\tb\tentailment\tcontradiction\n", "a", "b", .label(2)
            ),
            (
                .stsb, "index\tgenre\tsentence1\tsentence2\tscore\n0\tx\ta\tb\t3.750\n", "a", "b", .value(3.75)
            ),
        ]
        #expect(Set(files.map(\.0)) == Set(GLUETask.allCases))
        for (task, text, first, second, target) in files {
            let data = try glue(task, text)
            #expect(data.examples == [Example(text: first, pair: second, target: target)], "\(task)")
            #expect(data.labels == task.labels && data.task == task.task)
        }
    }

    @Test func testFilesHaveNoLabels() throws {
        #expect(try glue(.cola, "index\tsentence\n0\ta\n").examples == [Example(text: "a")])
        #expect(try glue(.qqp, "id\tquestion1\tquestion2\n0\ta\tb\n").examples == [Example(text: "a", pair: "b")])
    }

    @Test func brokenRowsArePassedOverAndCounted() throws {
        let data = try glue(
            .qqp,
            "id\tqid1\tqid2\tquestion1\tquestion2\tis_duplicate\n0\t1\t2\ta\n1\t1\t2\ta\tb\t1\n2\t1\t2\t\tb\t1\n3\t1\t2\ta\tb\tx\n"
        )
        #expect(data.count == 1)
        #expect(data.warnings[0] == "x: 3 rows without a text or a label of QQP, the first on line 2, passed over.")
        #expect(throws: DistillationError.failed("x has no examples")) {
            try glue(.rte, "sentence1\tsentence2\tlabel\n")
        }
    }

    @Test func labelsAreTakenForTheModels() throws {
        let mnli = "sentence1\tsentence2\tgold_label\na\tb\tneutral\n"
        let byName = try glue(.mnli, mnli, labels: ["CONTRADICTION", "ENTAILMENT", "NEUTRAL"])
        #expect(byName.examples[0].target == .label(2))
        #expect(byName.notices.last?.contains("\"entailment\" as \"ENTAILMENT\"") == true)
        let byOrder = try glue(.mnli, mnli, labels: ["LABEL_0", "LABEL_1", "LABEL_2"])
        #expect(byOrder.examples[0].target == .label(1))
        let named = try glue(.sst2, "sentence\tlabel\na\t1\n", labels: ["NEGATIVE", "POSITIVE"])
        #expect(named.examples[0].target == .label(1) && named.labels == ["NEGATIVE", "POSITIVE"])
        #expect(throws: DistillationError.self) { try glue(.mnli, mnli, labels: ["a", "b", "c"]) }
    }

    @Test func formatsHaveNames() throws {
        #expect(try DatasetOptions.Format(parsing: "glue:STS-B") == .glue(.stsb))
        #expect(try DatasetOptions.Format(parsing: "squad") == .squad)
        #expect(throws: DistillationError.self) { try DatasetOptions.Format(parsing: "glue:sst2") }
    }

    @Test func squadOfBothVersions() throws {
        let file = """
            {"version": "v2.0", "data": [{"title": "t", "paragraphs": [{"context": "Ünder 😀 the sun", "qas": [
              {"id": "1", "question": "Where?", "answers": [{"text": "the sun", "answer_start": 8}, {"text": "sun", \
            "answer_start": 12}, {"text": "sun", "answer_start": 12}]},
              {"id": "2", "question": "When?", "is_impossible": true, "answers": [],
               "plausible_answers": [{"text": "sun", "answer_start": 12}]}]}]}]}
            """
        let data = try read(file, as: "dev.json", DatasetOptions(format: .squad))
        let answers = [Target.Answer(text: "the sun", start: 8), Target.Answer(text: "sun", start: 12)]
        #expect(data.task == .answer)
        #expect(data.examples.map(\.target) == [.answers(answers), .answers([])])
        #expect(data.examples.map(\.id) == ["1", "2"])
        #expect(data.examples.allSatisfy { $0.pair == "Ünder 😀 the sun" })

        let test = #"{"data":[{"paragraphs":[{"context":"c","qas":[{"id":"3","question":"Who?"}]}]}]}"#
        let questions = try read(test, as: "test.json", DatasetOptions(format: .squad))
        #expect(questions.examples == [Example(text: "Who?", pair: "c", id: "3")] && questions.task == .answer)
    }

    @Test(arguments: [
        (
            #"{"data":[{"paragraphs":[{"context":"é a","qas":[{"id":"x","question":"q","answers":[{"text":"a","answer_start":3}]}]}]}]}"#,
            #"s: the question "x": the answer "a" does not stand at code point 3 of the context"#
        ),
        (
            #"{"data":[{"paragraphs":[{"context":"a","qas":[{"id":"x"}]}]}]}"#,
            #"s: the question "x" has no string "question""#
        ),
        (#"{"data":[{"paragraphs":{}}]}"#, #"s: data[0] has no array "paragraphs""#),
        (#"{"text":"a"}"#, #"s: the file has no array "data"; is this SQuAD's own file?"#),
        ("{", "s, line 1, column 2"),
        (#"{"data":[]}"#, "s has no examples"),
    ])
    func brokenSQuADIsNamed(text: String, expected: String) {
        let message = problem(text, as: "s", DatasetOptions(format: .squad))
        #expect(message.hasPrefix(expected), "\(message)")
    }
}
