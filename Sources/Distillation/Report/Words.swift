import Glibc

/// Numbers as people read them.
enum Words {
    /// "98.2 %"
    static func percent(_ fraction: Double) -> String { number(fraction * 100, 1) + " %" }

    /// "98.2 % (97.1 to 99.0)"
    static func percent(_ interval: Interval?) -> String {
        guard let interval else { return "–" }
        let ends = "\(number(interval.lower * 100, 1)) to \(number(interval.upper * 100, 1))"
        return "\(percent(interval.estimate)) (\(ends))"
    }

    /// "+1.2 points (−0.3 to +2.7)"
    static func points(_ interval: Interval, unit: String = " points") -> String {
        let ends = "\(signed(interval.lower * 100)) to \(signed(interval.upper * 100))"
        return "\(signed(interval.estimate * 100))\(unit) (\(ends))"
    }

    private static func signed(_ value: Double) -> String {
        let text = number(value, 1)
        return value > 0 && text != "0.0" ? "+" + text : text
    }

    /// With a true minus sign, and no sign of a zero.
    static func number(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return "–" }
        let scale = pow(10, Double(decimals))
        let rounded = (abs(value) * scale).rounded() / scale
        let whole = Int(rounded)
        let rest = Int(((rounded - Double(whole)) * scale).rounded())
        let digits = String(rest)
        let fraction = decimals == 0 ? "" : "." + String(repeating: "0", count: decimals - digits.count) + digits
        return (value < 0 && rounded > 0 ? "−" : "") + grouped(whole) + fraction
    }

    /// "12,345"
    static func grouped(_ value: Int) -> String {
        var text = ""
        for (place, digit) in String(value.magnitude).reversed().enumerated() {
            if place > 0, place % 3 == 0 { text += "," }
            text.append(digit)
        }
        return (value < 0 ? "−" : "") + String(text.reversed())
    }

    /// Three significant digits or all of a whole number: "1.63", "48.2", "1,204".
    static func factor(_ value: Double) -> String { number(value, value < 10 ? 2 : value < 100 ? 1 : 0) }

    /// "84.3 MB", of 10⁶ bytes each.
    static func bytes(_ count: Int) -> String {
        let value = Double(count)
        if value >= 1e9 { return factor(value / 1e9) + " GB" }
        return value >= 1e6 ? factor(value / 1e6) + " MB" : factor(value / 1e3) + " kB"
    }

    /// "66.4 million"
    static func parameters(_ count: Int) -> String {
        count >= 1_000_000 ? number(Double(count) / 1e6, 1) + " million" : grouped(count)
    }

    /// A metric's name in JSON, for people.
    static func metric(_ name: String) -> String {
        switch name {
        case "macro_f1": "macro F1"
        case "micro_f1": "micro F1"
        case "weighted_f1": "weighted F1"
        case "f1": "F1"
        case "matthews": "Matthews correlation"
        case "pearson": "Pearson correlation"
        case "spearman": "Spearman correlation"
        default: name.replacing("_", with: " ")
        }
    }
}
