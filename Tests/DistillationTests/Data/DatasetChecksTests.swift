import Distillation
import Testing

@Suite struct DatasetChecksTests {
    @Test func oddDataIsCounted() throws {
        let data = try read(
            "text,label\na,x\na,x\na,x\nb,x\nb,X \nc,y\nd,x\ne,x\n",
            as: "d.csv"
        )
        #expect(
            data.warnings == [
                "2 examples said before with the same label (duplicates).",
                "1 example said before with another label (contradictions): \"b\".",
                "2 labels with fewer than 5 examples: \"X \" (1), \"y\" (1).",
                "1 group of labels that differ in case or white space only: \"X \" and \"x\".",
            ]
        )
    }

    @Test func soundDataIsNotWarnedOf() throws {
        let rows = (0..<10).map { "text \($0),\($0 % 2 == 0 ? "x" : "y")\n" }.joined()
        #expect(try read("text,label\n" + rows, as: "d.csv").warnings.isEmpty)
    }

    @Test func textsOfBothSetsAreLeaks() {
        func data(_ texts: [String]) -> Dataset {
            Dataset(task: .classify, examples: texts.map { Example(text: $0, pair: "p") })
        }
        let train = data(["One  two", "three", "four", "five", "six"])
        #expect(DatasetChecks.leaks(train: train.examples, test: data(["seven"])) == nil)
        #expect(
            DatasetChecks.leaks(train: train.examples, test: data([" one TWO\n", "seven", "three", "four", "five"]))
                == "4 texts of the 5 to test on are in the training data: \" one TWO\\n\", \"three\", \"four\", …."
        )
        let other = Dataset(task: .classify, examples: [Example(text: "three", pair: "q")])
        #expect(DatasetChecks.leaks(train: train.examples, test: other) == nil)
    }
}
