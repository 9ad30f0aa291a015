/// Text made safe for HTML and SVG, in elements and in quoted attributes. What XML forbids is replaced.
func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "&": result += "&amp;"
        case "<": result += "&lt;"
        case ">": result += "&gt;"
        case "\"": result += "&quot;"
        case "'": result += "&#39;"
        case "\t", "\n", "\r": result += " "
        case "\0"..<" ", "\u{7F}"..."\u{9F}", "\u{FFFE}", "\u{FFFF}": result += "\u{FFFD}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}

/// A coordinate of a drawing, to a tenth.
func point(_ value: Double) -> String {
    let tenths = (value * 10).rounded() / 10
    return tenths == tenths.rounded() ? "\(Int(tenths))" : "\(tenths)"
}

/// A part of the width or height of a drawing that numbers are laid out on.
struct PlotScale {
    let domain: ClosedRange<Double>
    /// Where the domain's ends are drawn; the first may be the greater.
    let ends: (Double, Double)
    /// Whether equal distances are equal factors.
    var isLogarithmic = false

    func callAsFunction(_ value: Double) -> Double {
        let share =
            isLogarithmic
            ? logarithm(value / domain.lowerBound) / logarithm(domain.upperBound / domain.lowerBound)
            : (value - domain.lowerBound) / (domain.upperBound - domain.lowerBound)
        return ends.0 + share * (ends.1 - ends.0)
    }

    /// Round numbers in the domain, some five of them.
    var ticks: [Double] {
        if isLogarithmic {
            let all = (-3...7).flatMap { power in [1.0, 2, 5].map { $0 * powerOfTen(power) } }
            let inside = all.filter { domain.contains($0) }
            return inside.count > 7 ? inside.filter { powerOfTen(Int(logarithm($0).rounded())) == $0 } : inside
        }
        let raw = (domain.upperBound - domain.lowerBound) / 5
        let power = powerOfTen(Int(logarithm(raw).rounded(.down)))
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? raw
        let first = Int((domain.lowerBound / step - 1e-9).rounded(.up))
        let last = Int((domain.upperBound / step + 1e-9).rounded(.down))
        return first <= last ? (first...last).map { Double($0) * step } : []
    }
}

/// A rectangle of a drawing.
struct PlotBox {
    var x, y, width, height: Double

    func overlaps(_ other: PlotBox) -> Bool {
        x < other.x + other.width && other.x < x + width && y < other.y + other.height && other.y < y + height
    }

    func contains(_ other: PlotBox) -> Bool {
        x <= other.x && y <= other.y && other.x + other.width <= x + width && other.y + other.height <= y + height
    }
}

/// Finds places for labels beside points such that none covers another one, a point, or what else is drawn.
struct LabelPlacement {
    let bounds: PlotBox
    private(set) var taken: [PlotBox]
    /// Of a character and of a line.
    static let size = (width: 7.2, height: 15.0)

    init(bounds: PlotBox, taken: [PlotBox]) {
        self.bounds = bounds
        self.taken = taken
    }

    /// - Returns: the label's box; where nothing near is free, one further away, which a line should lead to.
    mutating func place(_ text: String, at x: Double, _ y: Double, radius: Double) -> (box: PlotBox, isNear: Bool) {
        let width = Double(text.unicodeScalars.count) * Self.size.width
        let height = Self.size.height
        func candidates(_ distance: Double) -> [PlotBox] {
            let gap = radius + distance
            let places = [
                (x + gap, y - height / 2), (x - gap - width, y - height / 2), (x + gap * 0.7, y - gap * 0.7 - height),
                (x + gap * 0.7, y + gap * 0.7), (x - gap * 0.7 - width, y - gap * 0.7 - height),
                (x - gap * 0.7 - width, y + gap * 0.7), (x - width / 2, y - gap - height), (x - width / 2, y + gap),
            ]
            return places.map { PlotBox(x: $0.0, y: $0.1, width: width, height: height) }
        }
        func isFree(_ box: PlotBox) -> Bool { bounds.contains(box) && !taken.contains { $0.overlaps(box) } }
        for distance in stride(from: 4.0, through: 200, by: 8) {
            if let box = candidates(distance).first(where: isFree) {
                taken.append(box)
                return (box, distance < 20)
            }
        }
        // A plot this full has no room: better two labels over one another than none.
        let box = candidates(4)[0]
        taken.append(box)
        return (box, true)
    }
}
