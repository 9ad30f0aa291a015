import Glibc

func logarithm(_ value: Double) -> Double { log10(value) }
func powerOfTen(_ power: Int) -> Double { pow(10, Double(power)) }

/// The drawings of a report: SVG of its own, coloured by the page's style, readable at the width of a phone.
enum Plots {
    private static let width = 480.0

    /// A point of the first plot.
    struct Mark {
        let name: String
        /// Its class in the style: "teacher", "served", "student" or "other".
        let style: String
        let requestsPerSecond: Double
        let quality: Interval
        let bytes: Int?
    }

    /// The most points that have names beside them; more have their numbers.
    static let mostNames = 6

    /// Quality with its interval against speed, the size of a point by the bytes; empty without a point.
    static func quality(_ marks: [Mark], metric: String, teacher: Double) -> String {
        guard !marks.isEmpty else { return "" }
        let height = 350.0
        let area = PlotBox(x: 44, y: 26, width: width - 58, height: height - 74)
        let rates = marks.map(\.requestsPerSecond)
        let lows = marks.map(\.quality.lower) + [teacher]
        let highs = marks.map(\.quality.upper) + [teacher]
        let (low, high) = (lows.min() ?? 0, highs.max() ?? 1)
        let room = max((high - low) * 0.12, 0.002)
        let y = PlotScale(
            domain: (low - room) * 100...(high + room) * 100,
            ends: (area.y + area.height, area.y)
        )
        let x = PlotScale(
            domain: (rates.min() ?? 1) / 1.6...(rates.max() ?? 1) * 1.6,
            ends: (area.x, area.x + area.width),
            isLogarithmic: true
        )
        let summary = marks.map { mark in
            "\(mark.name): \(Words.percent(mark.quality)), \(Words.factor(mark.requestsPerSecond)) requests per second"
        }.joined(separator: "; ")
        var svg = open(height, "\(metric) by requests per second and core", summary)
        svg += grid(x, y, area, xTitle: "requests per second and core (log scale)", yTitle: "\(metric), %")
        svg += line("reference", area.x, y(teacher * 100), area.x + area.width, y(teacher * 100))
        let largest = Double(marks.compactMap(\.bytes).max() ?? 1)
        let points = marks.enumerated().map {
            place,
            mark -> (label: String, mark: Mark, x: Double, y: Double, radius: Double) in
            // The area is the size.
            let radius = mark.bytes.map { max(3.5, 13 * (Double($0) / largest).squareRoot()) } ?? 5
            let label = marks.count > mostNames ? "\(place + 1)" : shortened(mark.name)
            return (label, mark, x(mark.requestsPerSecond), y(mark.quality.estimate * 100), radius)
        }
        var taken: [PlotBox] = []
        for point in points {
            let (top, bottom) = (y(point.mark.quality.upper * 100), y(point.mark.quality.lower * 100))
            taken.append(PlotBox(x: point.x - 4, y: top, width: 8, height: bottom - top))
            let size = 2 * point.radius
            taken.append(
                PlotBox(x: point.x - point.radius, y: point.y - point.radius, width: size, height: size)
            )
            svg += #"<g class="\#(point.mark.style)">"#
            svg += line("bar", point.x, top, point.x, bottom)
            svg +=
                line("bar", point.x - 4, top, point.x + 4, top) + line("bar", point.x - 4, bottom, point.x + 4, bottom)
            svg += circle(point.x, point.y, point.radius) + "</g>"
        }
        // The reference line is no place for a label either.
        taken.append(PlotBox(x: area.x, y: y(teacher * 100) - 1, width: area.width, height: 2))
        var placement = LabelPlacement(bounds: area, taken: taken)
        for mark in points.sorted(by: { $0.x < $1.x }) {
            let label = placement.place(mark.label, at: mark.x, mark.y, radius: mark.radius)
            if !label.isNear {
                let end = (
                    label.box.x + label.box.width / 2, label.box.y + (label.box.y < mark.y ? label.box.height : 0)
                )
                svg += line("leader", mark.x, mark.y, end.0, end.1)
            }
            svg += self.text("name", label.box.x, label.box.y + 12, mark.label)
        }
        return svg + "</svg>"
    }

    /// Differences, each with its interval, in points.
    ///
    /// - Parameter what: what they are, as in "difference to the teacher".
    static func differences(
        _ rows: [(name: String, style: String, difference: Interval, verdict: Verdict)],
        of what: String
    ) -> String {
        guard !rows.isEmpty else { return "" }
        let rowHeight = 42.0
        let area = PlotBox(x: 14, y: 8, width: width - 28, height: Double(rows.count) * rowHeight)
        let lows = rows.map { $0.difference.lower * 100 } + [0]
        let highs = rows.map { $0.difference.upper * 100 } + [0]
        let (low, high) = (lows.min() ?? -1, highs.max() ?? 1)
        let room = max((high - low) * 0.06, 0.05)
        let x = PlotScale(domain: low - room...high + room, ends: (area.x, area.x + area.width))
        let summary = rows.map { "\($0.name): \(Words.points($0.difference)), \($0.verdict.rawValue)" }
        var svg = open(area.height + 52, "\(what), in points", summary.joined(separator: "; "))
        let bottom = area.y + area.height
        for tick in x.ticks {
            svg += line("grid", x(tick), area.y, x(tick), bottom)
            svg += text("tick", x(tick), bottom + 16, tickText(tick), anchor: "middle")
        }
        svg += line("reference", x(0), area.y, x(0), bottom)
        svg += text("title", width / 2, bottom + 36, "\(what), points", anchor: "middle")
        for (place, row) in rows.enumerated() {
            let top = area.y + Double(place) * rowHeight
            let middle = top + 30
            svg += text("name", area.x, top + 15, shortened(row.name))
            let numbers = "\(row.verdict.rawValue), \(Words.points(row.difference, unit: ""))"
            svg += text("tick", area.x + area.width, top + 15, numbers, anchor: "end")
            let (left, right) = (x(row.difference.lower * 100), x(row.difference.upper * 100))
            svg += #"<g class="\#(row.style)">"# + line("bar", left, middle, right, middle)
            svg += line("bar", left, middle - 4, left, middle + 4) + line("bar", right, middle - 4, right, middle + 4)
            svg += circle(x(row.difference.estimate * 100), middle, 5) + "</g>"
        }
        return svg + "</svg>"
    }

    /// The share that is right by the probability that the model gave it; the diagonal is a model that is as sure as
    /// it may be.
    static func calibration(_ name: String, style: String, _ calibration: Calibration) -> String {
        let size = 260.0
        let area = PlotBox(x: 40, y: 26, width: size - 54, height: size - 74)
        let x = PlotScale(domain: 0...100, ends: (area.x, area.x + area.width))
        let y = PlotScale(domain: 0...100, ends: (area.y + area.height, area.y))
        let filled = calibration.bins.filter { $0.count > 0 }
        let summary = filled.map {
            "sure \(Words.percent($0.confidence)), right \(Words.percent($0.accuracy)), \($0.count) texts"
        }.joined(separator: "; ")
        var svg = open(size, "calibration of \(name)", summary, width: size)
        svg += grid(x, y, area, xTitle: "sure, %", yTitle: "right, %")
        svg += line("reference", x(0), y(0), x(100), y(100)) + #"<g class="\#(style)">"#
        let corners = filled.map { "\(point(x($0.confidence * 100))),\(point(y($0.accuracy * 100)))" }
        svg += #"<polyline class="curve" points="\#(corners.joined(separator: " "))"/>"#
        for bin in filled {
            let radius = 2 + 8 * (Double(bin.count) / Double(calibration.count)).squareRoot()
            svg += circle(x(bin.confidence * 100), y(bin.accuracy * 100), radius)
        }
        return svg + "</g></svg>"
    }

    /// Which share of texts out of scope is recognised, by the share in scope that is still answered.
    static func abstention(_ systems: [(name: String, style: String, outOfScope: OutOfScope)]) -> String {
        guard !systems.isEmpty else { return "" }
        let height = 320.0
        let area = PlotBox(x: 44, y: 26, width: width - 58, height: height - 74)
        let x = PlotScale(domain: 0...100, ends: (area.x, area.x + area.width))
        let y = PlotScale(domain: 0...100, ends: (area.y + area.height, area.y))
        let summary = systems.map {
            let outcome = $0.outOfScope.outcome
            return
                "\($0.name): \(Words.percent(outcome.outOfScopeRecall)) recognised, \(Words.percent(outcome.kept)) kept"
        }.joined(separator: "; ")
        var svg = open(height, "texts out of scope recognised by texts in scope answered", summary)
        svg += grid(x, y, area, xTitle: "texts in scope that are answered, %", yTitle: "out of scope recognised, %")
        var marks: [(text: String, x: Double, y: Double)] = []
        for system in systems {
            let corners = system.outOfScope.curve.map {
                "\(point(x($0.kept * 100))),\(point(y($0.outOfScopeRecall * 100)))"
            }
            let outcome = system.outOfScope.outcome
            let mark = (x(outcome.kept * 100), y(outcome.outOfScopeRecall * 100))
            svg += #"<g class="\#(system.style)"><polyline class="curve" points="\#(corners.joined(separator: " "))"/>"#
            svg += circle(mark.0, mark.1, 5) + "</g>"
            marks.append((shortened(system.name), mark.0, mark.1))
        }
        var placement = LabelPlacement(
            bounds: area,
            taken: marks.map { PlotBox(x: $0.x - 5, y: $0.y - 5, width: 10, height: 10) }
        )
        for mark in marks {
            let label = placement.place(mark.text, at: mark.x, mark.y, radius: 5)
            if !label.isNear {
                svg += line("leader", mark.x, mark.y, label.box.x + label.box.width / 2, label.box.y + label.box.height)
            }
            svg += text("name", label.box.x, label.box.y + 12, mark.text)
        }
        return svg + "</svg>"
    }

    // MARK: - Parts

    private static func open(_ height: Double, _ title: String, _ summary: String, width: Double = width) -> String {
        #"<svg viewBox="0 0 \#(point(width)) \#(point(height))" role="img" aria-label="\#(escaped(title))">"#
            + "<title>\(escaped(title))</title><desc>\(escaped(summary))</desc>"
    }

    private static func grid(
        _ x: PlotScale,
        _ y: PlotScale,
        _ area: PlotBox,
        xTitle: String,
        yTitle: String
    ) -> String {
        var svg = ""
        let bottom = area.y + area.height
        for tick in y.ticks {
            svg += line("grid", area.x, y(tick), area.x + area.width, y(tick))
            svg += text("tick", area.x - 6, y(tick) + 4, tickText(tick), anchor: "end")
        }
        for tick in x.ticks {
            svg += line("grid", x(tick), area.y, x(tick), bottom)
            svg += text("tick", x(tick), bottom + 16, tickText(tick), anchor: "middle")
        }
        svg += text("title", 4, 14, yTitle)
        svg += text("title", area.x + area.width, bottom + 38, xTitle, anchor: "end")
        return svg
    }

    private static func tickText(_ value: Double) -> String {
        let decimals = abs(value - value.rounded()) < 1e-9 ? 0 : abs(value * 10 - (value * 10).rounded()) < 1e-6 ? 1 : 2
        return Words.number(value, decimals)
    }

    private static func line(_ style: String, _ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
        #"<line class="\#(style)" x1="\#(point(x1))" y1="\#(point(y1))" x2="\#(point(x2))" y2="\#(point(y2))"/>"#
    }

    private static func circle(_ x: Double, _ y: Double, _ radius: Double) -> String {
        #"<circle cx="\#(point(x))" cy="\#(point(y))" r="\#(point(radius))"/>"#
    }

    private static func text(
        _ style: String,
        _ x: Double,
        _ y: Double,
        _ text: String,
        anchor: String? = nil
    ) -> String {
        let anchor = anchor.map { #" text-anchor="\#($0)""# } ?? ""
        return #"<text class="\#(style)" x="\#(point(x))" y="\#(point(y))"\#(anchor)>\#(escaped(text))</text>"#
    }

    /// A name that fits a plot; the whole one is in the table.
    private static func shortened(_ name: String) -> String {
        name.unicodeScalars.count > 28 ? String(String.UnicodeScalarView(name.unicodeScalars.prefix(27))) + "…" : name
    }
}
