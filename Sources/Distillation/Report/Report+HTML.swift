/// `report.html`: one page that needs nothing else, neither a network nor a script.
extension Report {
    package var html: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <title>\(escaped(title))</title>
        <style>
        \(ReportStyle.css)
        </style>
        </head>
        <body>
        <main>
        <h1>\(escaped(title))</h1>
        <p class="headline">\(escaped(headline))</p>
        \(sections.filter { !$0.isEmpty }.joined(separator: "\n"))
        </main>
        </body>
        </html>

        """
    }

    private var sections: [String] {
        [
            gainSentence.map { paragraph($0) } ?? "", warnings.map { paragraph($0, "worse") }.joined(), qualityPlot,
            systemsTable, differencesPlot, alternativesPlot, paperTable,
            confusionsTable, calibrationPlots, abstention, missingList, method, runsTable,
        ]
    }

    private func style(_ row: Row) -> String {
        if row.system.name == served.system.name { return "served" }
        return switch row.system.kind {
        case .teacher: "teacher"
        case .student: "student"
        default: "other"
        }
    }

    // MARK: - The comparison

    private var qualityPlot: String {
        let marks = rows.compactMap { row in
            row.system.requestsPerSecond.map { rate in
                Plots.Mark(
                    name: row.system.name,
                    style: style(row),
                    requestsPerSecond: rate,
                    quality: row.quality,
                    bytes: row.system.bytes
                )
            }
        }
        guard !marks.isEmpty else { return "" }
        let names = marks.map { "<li class=\"\($0.style)\">\(escaped($0.name))</li>" }.joined()
        return figure(
            Plots.quality(marks, metric: metricName, teacher: teacher.quality.estimate)
                + (marks.count > Plots.mostNames ? "<ol class=\"key\">\(names)</ol>" : ""),
            "Up is better, right is faster. Bars are 95 % intervals, a point’s area is the model’s size in memory, and "
                + "the dashed line is the teacher."
        )
    }

    private var systemsTable: String {
        var ofOneSeed = false
        let body = rows.map { row -> String in
            let system = row.system
            let isTrained = [.student, .undistilled, .reducedPrecision].contains(system.kind)
            if isTrained, system.sample == nil { ofOneSeed = true }
            let single = draws.isEmpty ? (isTrained ? "one seed" : "") : "one draw"
            let kind = [system.kind.rawValue, system.sample ?? single].filter { !$0.isEmpty }
            let verdict = row.verdict.map {
                #"<span class="\#($0 == .noGain ? "" : $0.rawValue)">\#($0.rawValue)</span>"#
            }
            let difference = row.difference.map { "<small>\(escaped(Words.points($0)))</small>" } ?? ""
            let notes = system.notes.map { "<small>\(escaped($0))</small>" }.joined()
            let cells = [
                rowHead(system.name, "<small>\(escaped(kind.joined(separator: ", ")))</small>\(notes)"),
                number(percentCell(row.quality)), number(percentCell(row.kept)),
                "<td>\(verdict ?? "–")\(difference)</td>",
                number(system.requestsPerSecond.map(Words.factor) ?? "–"),
                number(system.bytes.map(Words.bytes) ?? "–"),
                number(system.parameters.map(Words.parameters) ?? "–"),
            ]
            let chosen = row.system.name == served.system.name ? #" class="chosen""# : ""
            return "<tr\(chosen)>\(cells.joined())</tr>"
        }
        var caption = [
            "On \(Words.grouped(examples)) test examples, with 95 % intervals.",
            "“No gain” means that the interval of the paired difference includes 0: it may be chance.",
        ]
        if ofOneSeed {
            caption.append("One \(draws.isEmpty ? "seed" : "draw") says nothing of what another would have given.")
        }
        if !draws.isEmpty {
            caption.append(
                "Each draw is another choice of training data, with a teacher and all other systems made of it; what was made of "
                    + "the same draw is compared."
            )
        }
        return "<h2>All systems</h2>"
            + table(
                [
                    "system", "#\(metricName)", "#keeps of the teacher’s", "against the teacher",
                    "#requests/s per core", "#size", "#parameters",
                ],
                body,
                caption.joined(separator: " ")
            )
    }

    private func percentCell(_ interval: Interval?) -> String {
        guard let interval else { return "–" }
        let (low, high) = (Words.number(interval.lower * 100, 1), Words.number(interval.upper * 100, 1))
        return "\(Words.percent(interval.estimate))<small>\(low) to \(high)</small>"
    }

    private var differencesPlot: String {
        let others = rows.compactMap { row in
            row.difference.map { (row.system.name, style(row), $0, Verdict($0)) }
        }
        guard !others.isEmpty else { return "" }
        return figure(
            Plots.differences(others, of: "difference to the teacher"),
            "Both answered the same examples, so what is hard for everyone does not blur the difference. A bar that "
                + "crosses the dashed line shows no gain and no loss."
        )
    }

    private var alternativesPlot: String {
        guard let student = rows.first(where: { $0.system.kind == .student })?.system.name, !alternatives.isEmpty else {
            return ""
        }
        let others = alternatives.map { ($0.system.name, "other", $0.difference, $0.verdict) }
        return "<h2>What else would do?</h2>"
            + figure(
                Plots.differences(others, of: "how much better \(student) is"),
                "A bar to the right of the dashed line: \(student) is better than that system."
            )
    }

    /// DistilBERT's own numbers beside these, and what is often made of them.
    private var paperTable: String {
        let others = rows.dropFirst()
        guard
            let row = others.first(where: { $0.system.name == served.system.name })
                ?? others.first(where: { $0.system.kind == .student })
        else { return "" }
        func part(_ value: (SystemResult) -> Double?) -> Double? {
            guard let own = value(row.system), let base = value(teacher.system), base > 0 else { return nil }
            return own / base
        }
        let parameters = part { $0.parameters.map(Double.init) }
        let bytes = part { $0.bytes.map(Double.init) }
        let rate = part(\.requestsPerSecond)
        let lines = [
            ("quality kept", "97 % (GLUE, 77.0 of 79.5)", Words.percent(row.kept)),
            ("fewer parameters", "40 %", parameters.map { Words.percent(1 - $0) } ?? "–"),
            (
                "faster", "60 % (668 s → 410 s: 1.63 times the rate)",
                rate.map { "\(Words.percent($0 - 1)) (\(Words.factor($0)) times the rate)" } ?? "–"
            ),
            ("fewer bytes", "40 %, as both are float32", bytes.map { Words.percent(1 - $0) } ?? "–"),
        ]
        return "<h2>Beside the DistilBERT paper</h2>"
            + table(
                ["", "DistilBERT and BERT", "\(row.system.name) and \(teacher.system.name)"],
                lines.map { name, paper, here in
                    "<tr>\(rowHead(name))<td>\(escaped(paper))</td><td>\(escaped(here))</td></tr>"
                },
                "Sanh et al., “DistilBERT, a distilled version of BERT”, arXiv 1910.01108."
            )
            + paragraph(
                "DistilBERT is often called “60 % smaller”. That is a misreading: it needs 61 % of BERT’s time (410 of "
                    + "668 s), and is 40 % smaller.",
                "quiet"
            )
    }

    // MARK: - Where it errs

    private var confusionsTable: String {
        guard let matrix = served.system.confusion else { return "" }
        let found = matrix.confusions(10)
        guard !found.isEmpty else { return "" }
        let body = found.map { pair in
            let cells = [
                rowHead(label(pair.gold)), "<td>\(escaped(label(pair.predicted)))</td>",
                number(Words.grouped(pair.count)),
                number(Words.percent(pair.share)),
            ]
            return "<tr>\(cells.joined())</tr>"
        }
        let runs = served.system.runs.count > 1 ? ", all runs together" : ""
        return "<h2>What \(escaped(served.system.name)) mistakes</h2>"
            + table(
                ["right label", "taken for", "#how often", "#of that label"],
                body,
                "The most frequent mistakes\(runs)."
            )
    }

    private var calibrationPlots: String {
        let names = [served.system.name, teacher.system.name]
        let shown = rows.filter { names.contains($0.system.name) && $0.system.calibration != nil }
        guard !shown.isEmpty else { return "" }
        let figures = shown.compactMap { row in
            row.system.calibration.map { calibration in
                figure(
                    Plots.calibration(row.system.name, style: style(row), calibration),
                    "\(row.system.name): expected calibration error \(Words.percent(calibration.error))"
                )
            }
        }
        return "<h2>Is it right as often as it is sure?</h2>"
            + paragraph(
                "A model on the dashed line is right in 80 % of the cases in which it is 80 % sure; below the line, it is "
                    + "too sure of itself."
            )
            + #"<div class="pair">\#(figures.joined())</div>"#
    }

    private var abstention: String {
        let systems = rows.compactMap { row in
            row.system.outOfScope.map { (name: row.system.name, style: style(row), outOfScope: $0) }
        }
        guard !systems.isEmpty else { return "" }
        let body = systems.map { system in
            let outcome = system.outOfScope.outcome
            let numbers = [
                Words.number(outcome.threshold, 3), Words.percent(outcome.kept), Words.percent(outcome.accuracyOfKept),
                Words.percent(outcome.outOfScopeRecall), Words.number(system.outOfScope.areaUnderCurve, 3),
            ]
            let cells = numbers.map { number($0) }.joined()
            return "<tr>\(rowHead(system.name))\(cells)</tr>"
        }
        return "<h2>When it says “none of these”</h2>"
            + figure(
                Plots.abstention(Array(systems.prefix(4))),
                "Below a threshold of the best label’s probability, the answer is “none of these”. The points are the "
                    + "thresholds that held-out texts chose: the highest that cost at most "
                    + "\(Words.percent(1 - leastKept)) of the right answers."
            )
            + table(
                [
                    "system", "#threshold", "#in scope answered", "#of those right", "#out of scope recognised",
                    "#AUROC",
                ],
                body,
                "On test texts."
            )
    }

    // MARK: - How it was measured

    private var missingList: String {
        guard !missing.isEmpty else { return "" }
        let items = missing.map { "<li><strong>\(escaped($0.name))</strong>: \(escaped($0.reason))</li>" }
        return "<h2>What was not compared</h2><ul>\(items.joined())</ul>"
    }

    private var method: String {
        let files = setting.files.map { file in
            "\(escaped(file.role)): \(escaped(file.name)), \(Words.grouped(file.examples)) examples, "
                + "<code>\(escaped(file.hash))</code>"
        }
        let threads =
            "\(setting.threads) thread\(setting.threads == 1 ? "" : "s"); answers do not depend on their number"
        let speed =
            "one thread, one request at a time, tokenizing included, the models in turn, the median of the rounds; "
            + setting.timedTexts
        let intervals =
            "95 %, percentile bootstrap: \(Words.grouped(resamples)) resamples of the examples, the same for all "
            + "systems, seed \(seed); of several seeds moved by Student’s t, as a few seeds do not show their whole spread"
        let enough =
            "what is recommended is the fastest of which the lower end of what it keeps is at least \(Words.percent(leastKept))"
            + (draws.isEmpty ? "" : ", shown on more than one draw")
        let entries = [
            ("processor", escaped(setting.processor)), ("instruction set", escaped(setting.instructionSet)),
            ("speed", escaped(speed)), ("evaluated with", threads), ("data", files.joined(separator: "<br>")),
            ("intervals", intervals), ("enough", enough),
        ]
        return "<h2>How it was measured</h2><dl>"
            + entries.map { "<dt>\($0.0)</dt><dd>\($0.1)</dd>" }.joined() + "</dl>"
    }

    private var runsTable: String {
        let names = rows.flatMap { $0.system.runs.flatMap { $0.metrics.values.map(\.name) } }
        var shown: [String] = []
        for name in [metric] + names where !shown.contains(name) { shown.append(name) }
        let body = rows.flatMap { row in
            row.system.runs.map { run -> String in
                let draw = run.draw.map { number(escaped(draws[$0 - 1])) } ?? ""
                let head = rowHead(row.system.name) + number(run.seed.map { "\($0)" } ?? "–") + draw
                let cells = shown.map { name in
                    number(run.metrics[name].map { Words.number($0, 4) } ?? "–")
                }
                let contents = run.contents.map { "<code>\(escaped($0))</code>" } ?? "–"
                return "<tr>\(head)\(cells.joined())<td>\(contents)</td></tr>"
            }
        }
        return "<h2>Every run</h2>"
            + table(
                ["system", "#seed"] + (draws.isEmpty ? [] : ["#draw"]) + shown.map { "#" + Words.metric($0) } + [
                    "hash of the folder"
                ],
                body,
                "Metrics as fractions."
            )
    }

    // MARK: - Elements

    private func paragraph(_ text: String, _ style: String = "") -> String {
        "<p\(style.isEmpty ? "" : #" class="\#(style)""#)>\(escaped(text))</p>"
    }

    private func figure(_ svg: String, _ caption: String) -> String {
        "<figure>\(svg)<figcaption>\(escaped(caption))</figcaption></figure>"
    }

    /// The head of a row, with markup behind it.
    private func rowHead(_ text: String, _ markup: String = "") -> String {
        #"<th scope="row">\#(escaped(text))\#(markup)</th>"#
    }

    /// A cell with a number, or with markup about one.
    private func number(_ text: String) -> String { #"<td class="n">\#(text)</td>"# }

    /// - Parameter heads: of each column; those that begin with "#" are of numbers.
    private func table(_ heads: [String], _ body: [String], _ caption: String) -> String {
        let head = heads.map { head in
            head.isEmpty
                ? "<td></td>"
                : head.hasPrefix("#")
                    ? #"<th scope="col" class="n">\#(escaped(String(head.dropFirst())))</th>"#
                    : #"<th scope="col">\#(escaped(head))</th>"#
        }
        return #"<p class="quiet">\#(escaped(caption))</p><div class="scroll" tabindex="0" role="group" "#
            + "aria-label=\"\(escaped(caption))\"><table><thead><tr>\(head.joined())</tr></thead>"
            + "<tbody>\(body.joined(separator: "\n"))</tbody></table></div>"
    }
}
