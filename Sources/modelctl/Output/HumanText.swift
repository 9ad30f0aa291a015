import Glibc

/// Numbers and texts for people.
package enum HumanText {
    /// `1234567` as `1,234,567`.
    package static func grouped(_ value: some BinaryInteger) -> String {
        let digits = String(value.magnitude)
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text.append(",") }
            text.append(digit)
        }
        return value < 0 ? "-" + text : text
    }

    /// A number with `digits` digits after the point, 0 to 9, rounded half away from zero.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 9e15 else { return "\(value)" }
        let number = Int(scaled)
        let sign = value < 0 && number > 0 ? "-" : ""
        guard digits > 0 else { return sign + String(number) }
        let fraction = String(number % Int(scale))
        let zeros = String(repeating: "0", count: digits - fraction.count)
        return "\(sign)\(number / Int(scale)).\(zeros)\(fraction)"
    }

    /// Twenty places for a score from 0 to 1, behind two spaces; nothing where no person looks.
    static func bar(_ score: Float) -> String {
        guard Console.isTerminal, score >= 0, score <= 1 else { return "" }
        let eighths = Int((score * 160).rounded())
        let partial = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"][eighths % 8]
        return "  " + Style.green(String(repeating: "█", count: eighths / 8) + partial)
    }

    /// A score and its bar.
    static func score(_ score: Float) -> String { fixed(Double(score), 4) + bar(score) }

    /// The first values of a vector.
    static func first(_ values: some Collection<Float>) -> String {
        values.prefix(6).map { fixed(Double($0), 4) }.joined(separator: ", ") + (values.count > 6 ? ", …" : "")
    }

    /// What an answer is about, as its heading.
    static func title(_ label: String) -> String { Style.bold(printable(label, width: Console.width)) }

    /// What became of a text that was too long, if it was; at most one line.
    static func note(truncated: Bool, windows: UInt32 = 1) -> [String] {
        if truncated { return [Style.dim("end of the text dropped")] }
        return windows > 1 ? [Style.dim("read in \(windows) windows")] : []
    }

    /// A size in bytes, in the largest binary unit of which there is at least one.
    package static func bytes(_ count: Int) -> String {
        var value = Double(count)
        var unit = "B"
        for next in ["KiB", "MiB", "GiB", "TiB"] where value >= 1024 {
            value /= 1024
            unit = next
        }
        return unit == "B" || value >= 100 ? "\(fixed(value, 0)) \(unit)" : "\(fixed(value, 1)) \(unit)"
    }

    /// A length of time in its two largest units, as in `3 h 12 min`.
    package static func time(_ duration: Duration) -> String {
        let seconds = duration.components.seconds
        switch seconds {
        case ..<60: return "\(seconds) s"
        case ..<3600: return "\(seconds / 60) min \(seconds % 60) s"
        case ..<86_400: return "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: return "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }

    /// A moment, counted from the beginning of 1970, in `strftime`'s format; in local time, or else UTC.
    static func date(_ moment: Duration, _ format: String, isLocal: Bool = true) -> String {
        var time = time_t(moment.components.seconds)
        var parts = tm()
        guard (isLocal ? localtime_r(&time, &parts) : gmtime_r(&time, &parts)) != nil else { return "-" }
        var text = [CChar](repeating: 0, count: 64)
        let count = strftime(&text, text.count, format, &parts)
        return String(decoding: text.prefix(count).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// A moment as `2026-11-28T10:45:58.042Z`.
    static func utc(_ moment: Duration) -> String {
        date(moment, "%Y-%m-%dT%H:%M:%S", isLocal: false) + milliseconds(moment) + "Z"
    }

    /// As in `.042`.
    static func milliseconds(_ moment: Duration) -> String {
        "." + "\(1000 + moment.components.attoseconds / 1_000_000_000_000_000)".dropFirst()
    }

    /// A text on one line without anything that a terminal would obey, cut to a width.
    package static func printable(_ text: String, width: Int = .max) -> String {
        var result = ""
        var count = 0
        for character in text {
            guard count < width else { return result.dropLast() + "…" }
            let isControl = character.unicodeScalars.contains { scalar in
                switch scalar.properties.generalCategory {
                case .control, .lineSeparator, .paragraphSeparator, .surrogate: true
                case .format: scalar != "\u{200D}"
                default: false
                }
            }
            result.append(isControl ? " " : character)
            count += 1
        }
        return result
    }
}
