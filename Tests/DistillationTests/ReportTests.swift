import Distillation
import Foundation
import JSON
import Testing

@Suite struct ReportTests {
    private static let examples = 400

    /// A system that is wrong in every `n`-th example for each of its seeds, and in some examples of its own.
    private static func system(
        _ name: String,
        _ kind: SystemResult.Kind,
        wrong: [Int],
        rate: Double?,
        bytes: Int = 90_000_000
    ) -> SystemResult {
        let gold = (0..<examples).map { $0 % 3 }
        let runs = wrong.enumerated().map { seed, wrong in
            let predicted = gold.indices.map { ($0 * 7 + seed * 13) % 100 < wrong ? (gold[$0] + 1) % 3 : gold[$0] }
            let correct = zip(gold, predicted).map { $0 == $1 ? 1.0 : 0 }
            let matrix = ConfusionMatrix(gold: gold, predicted: predicted, labels: 3)
            return SystemResult.Run(
                seed: UInt64(seed + 1),
                contents: "00ff00ff00ff00f\(seed)",
                metrics: Metrics(
                    task: .classify,
                    count: examples,
                    ["accuracy": matrix.accuracy, "macro_f1": matrix.macroF1, "loss": 0.25]
                ),
                statistics: [
                    ("accuracy", Statistics.mean(correct)),
                    ("macro_f1", Statistics.confusion(gold: gold, predicted: predicted, labels: 3) { $0.macroF1 }),
                ]
            )
        }
        var system = SystemResult(name: name, kind: kind, runs: runs)
        if let rate { system.throughput = [rate * 0.98, rate, rate * 1.01] }
        system.bytes = bytes
        system.parameters = bytes / 4
        return system
    }

    private static let setting = ReportSetting(
        processor: "A <fast> CPU",
        instructionSet: "avx512",
        threads: 2,
        timedTexts: "40 texts of 61 characters on average",
        files: [.init(role: "test", name: "test & more.csv", examples: examples, hash: "0123456789abcdef")]
    )

    private static func systems() -> [SystemResult] {
        var teacher = system("MiniLM", .teacher, wrong: [7], rate: 210)
        let confidences = (0..<examples).map { 0.4 + 0.6 * Double($0 % 50) / 50 }
        teacher.calibration = Calibration(confidences: confidences, correct: confidences.map { $0 > 0.55 })
        var student = system("student, 3 layers", .student, wrong: [7, 8, 7, 8, 7], rate: 400, bytes: 69_000_000)
        let inScope = confidences.map { Abstention.InScope(confidence: $0, isCorrect: $0 > 0.6) }
        let outside = (0..<80).map { 0.3 + 0.5 * Double($0) / 80 }
        student.outOfScope = OutOfScope(
            outcome: Abstention(heldOut: inScope, budget: .kept(0.9)).outcome(inScope: inScope, outOfScope: outside),
            areaUnderCurve: Abstention.areaUnderCurve(inScope: confidences, outOfScope: outside),
            curve: Abstention.curve(inScope: inScope, outOfScope: outside)
        )
        var int8 = system("student, int8", .reducedPrecision, wrong: [8, 8, 8, 9, 8], rate: 760, bytes: 18_000_000)
        int8.confusion = ConfusionMatrix(gold: [0, 0, 1, 2, 2], predicted: [1, 1, 1, 2, 0], labels: 3)
        int8.calibration = Calibration(confidences: confidences, correct: confidences.map { $0 > 0.62 })
        int8.notes = ["a <note>"]
        let plain = system(
            "student, no distillation",
            .undistilled,
            wrong: [8, 8, 9, 8, 7],
            rate: 402,
            bytes: 69_000_000
        )
        let linear = system("tf-idf", .linear, wrong: [32], rate: 21_000, bytes: 1_900_000)
        return [plain, student, int8, linear, teacher]
    }

    private static func report(_ systems: [SystemResult], leastKept: Double = 0.95) throws -> Report {
        try Report(
            title: "Three topics <b>&amp; more",
            task: .classify,
            metric: "accuracy",
            examples: examples,
            labels: ["sport", "<politics>", "other"],
            systems: systems,
            missing: [.init(name: "frozen encoder", reason: "there is no --train file to train its head with")],
            setting: setting,
            leastKept: leastKept,
            seed: 1,
            resamples: 500
        )
    }

    @Test func theFastestThatKeepsEnoughIsServed() throws {
        let report = try Self.report(Self.systems())
        #expect(report.headline.hasPrefix("Serve student, int8, because it keeps "), "\(report.headline)")
        #expect(report.headline.contains("3.62 times the requests per second"))
        #expect(report.headline.hasSuffix("20.0 % of the bytes."))
        #expect(report.gainSentence?.contains("differ by +0.6 points (") == true)
        #expect(report.gainSentence?.contains("no gain") == true, "\(report.gainSentence ?? "")")
    }

    @Test func withoutAGoodStudentTheTeacherIsServed() throws {
        let report = try Self.report(Self.systems(), leastKept: 0.999)
        #expect(report.headline.hasPrefix("Serve MiniLM, the teacher, because no other system is shown to keep 99.9 %"))
        let alone = try Self.report([Self.system("T", .teacher, wrong: [5], rate: nil)])
        #expect(alone.headline == "Serve T, because nothing else was compared with it.")
        #expect(alone.gainSentence == nil)
        #expect(alone.html.contains("</html>"))
    }

    @Test func theJSONHasEveryNumber() throws {
        let root = try JSONValue.parse(Array(Self.report(Self.systems()).json.utf8))
        guard case .object(let report) = root, case .array(let systems)? = report["systems"],
            case .object(let setting)? = report["setting"]
        else {
            Issue.record("not an object with systems")
            return
        }
        #expect(report["serve"].string == "student, int8")
        #expect(setting["processor"].string == "A <fast> CPU")
        var verdicts: [String?] = []
        for case .object(let system) in systems {
            verdicts.append(system["verdict"].string)
            guard case .object(let metrics)? = system["metrics"], case .object(let accuracy)? = metrics["accuracy"],
                let value = accuracy["value"].number, let low = accuracy["low"].number,
                let high = accuracy["high"].number, case .array(let runs)? = system["runs"],
                case .object(let run)? = runs.first
            else {
                Issue.record("a system without numbers")
                continue
            }
            #expect(low <= value && value <= high && low >= 0 && high <= 1)
            #expect(run["contents"].string == "00ff00ff00ff00f0")
            if let kept = system["kept"], case .object(let kept) = kept {
                #expect(try #require(kept["low"].number) < #require(kept["high"].number))
            }
        }
        #expect(verdicts == [nil, "no gain", "no gain", "no gain", "worse"])
    }

    @Test func thePageNeedsNothingElseAndEscapesEverything() throws {
        let html = try Self.report(Self.systems()).html
        #expect(html.hasPrefix("<!DOCTYPE html>\n<html lang=\"en\">"))
        for forbidden in [
            "<script", "http://", "https://", "<b>&amp; more", "<note>", "<fast>", "<politics>", "url(", "@import",
        ] {
            #expect(!html.contains(forbidden), "\(forbidden)")
        }
        for wanted in [
            "&lt;politics&gt;", "A &lt;fast&gt; CPU", "test &amp; more.csv", "no gain", "frozen encoder", "misreading",
            "prefers-color-scheme", "60 % smaller", "97 %",
        ] {
            #expect(html.contains(wanted), "\(wanted)")
        }
        // Every element that is opened is closed, in order: what a browser reads is what is meant.
        var open: [Substring] = []
        for match in html.matches(of: #/<(/?)([a-zA-Z0-9]+)([^<>]*?)(/?)>/#) {
            let (name, closes) = (match.2, !match.1.isEmpty)
            if ["meta", "br"].contains(name) || !match.4.isEmpty { continue }
            if closes {
                #expect(open.popLast() == name)
            } else {
                open.append(name)
            }
        }
        #expect(open.isEmpty)
        if let path = ProcessInfo.processInfo.environment["REPORT_PAGE"] {
            try html.write(toFile: path, atomically: true, encoding: .utf8)
        }
    }

    @Test func noLabelCoversAnother() throws {
        var systems = [Self.system("teacher", .teacher, wrong: [7], rate: 210)]
        for place in 0..<7 {
            systems.append(
                Self.system("student number \(place)", .student, wrong: [7 + place % 2], rate: 205 + Double(place))
            )
        }
        let html = try Self.report(systems).html
        let plot = try #require(html.range(of: "<svg").map { html[$0.lowerBound...].prefix(while: { _ in true }) })
        let figure = plot[..<(try #require(plot.range(of: "</svg>"))).lowerBound]
        var boxes: [(x: Double, y: Double, width: Double)] = []
        for match in figure.matches(of: #/<text class="name" x="([0-9.]+)" y="([0-9.]+)">([^<]*)</text>/#) {
            boxes.append((try #require(Double(match.1)), try #require(Double(match.2)), Double(match.3.count) * 7.2))
        }
        #expect(boxes.count == 8)
        for (place, left) in boxes.enumerated() {
            #expect(left.x >= 0 && left.x + left.width <= 480)
            for right in boxes[(place + 1)...] {
                let apart =
                    abs(left.y - right.y) >= 14.9 || left.x + left.width <= right.x + 0.1
                    || right.x + right.width <= left.x + 0.1
                #expect(apart, "\(left) and \(right)")
            }
        }
    }

    @Test func whatCannotBeComparedIsRefused() {
        let student = Self.system("s", .student, wrong: [5], rate: nil)
        #expect(throws: DistillationError.self) { try Self.report([student]) }
        var teacher = Self.system("s", .teacher, wrong: [5], rate: nil)
        #expect(throws: DistillationError(.usage, "two systems of the report have the same name; give each its own")) {
            try Self.report([teacher, student])
        }
        teacher.name = "t"
        teacher.runs = []
        #expect(throws: DistillationError(.usage, "t has no run")) { try Self.report([teacher, student]) }
    }
}

extension JSONValue? {
    fileprivate var string: String? { if case .string(let string)? = self { string } else { nil } }
    fileprivate var number: Double? {
        switch self {
        case .number(let number)?: number
        case .integer(let integer)?: Double(integer)
        default: nil
        }
    }
}
