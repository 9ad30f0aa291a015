import Distillation
import Testing

@Suite struct TableFileTests {
    @Test func quotesHoldCommasLineEndsAndQuotes() throws {
        let data = try read(
            "\u{FEFF}text,label\r\n\"one, \"\"two\"\"\r\nthree\",b\r\n\r\nfour \"five\",a\n\"\"\"six\"\"\",a",
            as: "d.csv"
        )
        #expect(data.examples.map(\.text) == ["one, \"two\"\r\nthree", "four \"five\"", "\"six\""])
        #expect(data.examples.map(\.target) == [.label(1), .label(0), .label(0)])
        #expect(data.labels == ["a", "b"])
        #expect(data.task == .classify)
        #expect(data.notices == ["The task is classify: each label is one name."])
    }

    @Test func columnsMayStandAnywhereAndBeRenamed() throws {
        let options = DatasetOptions(textColumn: "question", pairColumn: "context", labelColumn: "class")
        let data = try read("class,id,context,question\nx,1,c,q\ny,2,,r\n", as: "d.csv", options)
        #expect(data.examples.map(\.text) == ["q", "r"])
        #expect(data.examples.map(\.pair) == ["c", nil])
        #expect(data.warnings.contains("1 example of 2 without a second text."))
        #expect(data.labels == ["x", "y"])
    }

    @Test func tabsKeepQuotes() throws {
        let data = try read("label\ttext\na\t\"b\nc\t\"d\"\n", as: "d.tsv")
        #expect(data.examples.map(\.text) == ["\"b", "\"d\""])
        #expect(data.warnings.contains { $0.hasPrefix("d.tsv: 1 text between double quotes") })
    }

    @Test(arguments: [
        ("text,label\na,b\n\"c\nd,e\n", "d.csv, line 3: the quote that opens here is never closed"),
        (
            "text,label\n\"a\nb\"x,c\n",
            "d.csv, line 3: something follows a closing quote (of a field that begins on line 2)"
        ),
        (
            "text,label\n\"a\nb\",c\nd,e,f\n",
            "d.csv, line 4: the row has 3 fields, and the header 2; a field that holds a comma"
        ),
        ("text,label\na\n", "d.csv, line 2: the row has 1 field, and the header 2"),
        (
            "review,label\na,b\n",
            "d.csv, line 1: there is no column \"text\"; there are \"review\", \"label\"; name yours with"
        ),
        ("text,text\na,b\n", "d.csv, line 1: the header has the column \"text\" 2 times"),
        ("text,label\na,b\n \u{2003},c\n", "d.csv, line 3: the text (column \"text\") is empty"),
        (
            "text,label\na,b\nc,\n",
            "d.csv, line 3: the label is missing; texts without labels belong in a file of their own"
        ),
        ("", "d.csv is empty; its first line must name the columns"),
        ("text,label\n", "d.csv has no examples"),
    ])
    func errorsNameTheLine(text: String, expected: String) {
        #expect(problem(text, as: "d.csv").hasPrefix(expected), "\(problem(text, as: "d.csv"))")
    }

    @Test func columnsThatWereNamedHaveToBeThere() {
        for options in [
            DatasetOptions(pairColumn: "p"), DatasetOptions(labelColumn: "p"), DatasetOptions(textColumn: "p"),
        ] {
            #expect(problem("text,label\na,b\n", as: "d.csv", options).contains("there is no column \"p\""))
        }
        let required = DatasetOptions(labelUse: .required)
        #expect(problem("text\na\n", as: "d.csv", required).contains("there is no column \"label\""))
    }

    @Test func bytesThatAreNotUTF8AreNamedWithTheirCure() {
        let latin = Array("text,label\nok,a\ncaf".utf8) + [0xE9] + Array(",b\n".utf8)
        #expect(
            problem(latin, as: "d.csv")
                == "d.csv, line 3: byte 4 of the line is not UTF-8; the file seems to be Latin-1: "
                + "iconv -f latin1 -t utf-8 d.csv converts it"
        )
        #expect(problem([0x74, 0x92, 0x74], as: "d.csv").contains("iconv -f windows-1252"))
        #expect(problem([0xFF, 0xFE, 0x74, 0x00], as: "d.csv").contains("iconv -f utf-16"))
        // Overlong forms, surrogates, what is beyond Unicode, and a character cut off.
        for bytes: [UInt8] in [
            [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF0, 0x9F, 0x98],
            [0xE2, 0x28, 0xA1], [0x80],
        ] {
            #expect(problem(Array("text\n".utf8) + bytes, as: "d.csv").hasPrefix("d.csv, line 2: byte 1"))
        }
        #expect(problem("text\n😀\u{7FF}\u{800}\u{FFFF}\u{10FFFF}", as: "d.csv") == "")
    }

    @Test func longRowsAreRefused() {
        var options = DatasetOptions()
        options.longestLine = 20
        let long = String(repeating: "a", count: 21)
        #expect(
            problem("text\n\(long)\n", as: "d.csv", options).contains("d.csv, line 2: the row has more than the 20")
        )
        #expect(problem("text\n\"\(long)\n", as: "d.csv", options).contains("is its closing quote missing?"))
        options.longestFile = 10
        #expect(problem("text\n\(long)\n", as: "d.csv", options).contains("more than the 10 allowed"))
    }

    @Test func anEndThatSaysNothingIsRefused() {
        #expect(problem("text\na\n", as: "d.txt").hasPrefix("d.txt: the name does not say what the file is"))
    }
}
