import Distillation
import Glibc
import JSON

/// What people read goes to standard error, results to standard output.
enum Console {
    static func error(_ message: String) { write("distill: \(message)\n", to: STDERR_FILENO) }
    static func line(_ text: String) { write(text + "\n", to: STDOUT_FILENO) }

    /// The result, by its names: a line each, or with `--json` one object.
    static func result(_ members: [(key: String, value: any JSONWritable)], json: Bool) {
        if json { return line(JSONText.object(members).json) }
        for (key, value) in members { line("\(key.replacing("_", with: " ")): \(text(value))") }
    }

    private static func text(_ value: any JSONWritable) -> String {
        switch value {
        case let text as String: text
        case let number as Double: rounded(number, 4)
        default: value.json
        }
    }

    /// Events of a run. Where standard error is a terminal progress stays on one line.
    static func report(_ event: RunEvent) {
        switch event {
        case .notice(let text): write("\(clear)\(text)\n", to: STDERR_FILENO)
        case .warning(let text): write("\(clear)warning: \(text)\n", to: STDERR_FILENO)
        case .progress(let progress): write("\(clear)\(text(progress))\(isTerminal ? "" : "\n")", to: STDERR_FILENO)
        case .validation(let epoch, let metrics):
            let values = metrics.values.prefix(3).map { "\($0.name) \(rounded($0.value, 4))" }.joined(separator: ", ")
            write("\(clear)validation after epoch \(epoch): \(values)\n", to: STDERR_FILENO)
        }
    }

    private static func text(_ progress: TrainingProgress) -> String {
        "step \(progress.step) of \(progress.steps), epoch \(rounded(progress.epoch, 1)) of \(progress.epochs), loss "
            + "\(rounded(progress.loss, 4)), \(Int(progress.tokensPerSecond)) tokens/s, "
            + "\(duration(progress.secondsLeft)) left"
    }

    private static func duration(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded(.up))
        if whole < 60 { return "\(whole) s" }
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        return "\(whole / 3600) h \(whole % 3600 / 60) min"
    }

    static func rounded(_ value: Double, _ digits: Int) -> String {
        var factor = 1.0
        for _ in 0..<digits { factor *= 10 }
        return "\((value * factor).rounded() / factor)"
    }

    private static let isTerminal = isatty(STDERR_FILENO) == 1
    private static var clear: String { isTerminal ? "\r\u{1B}[K" : "" }

    private static func write(_ text: String, to descriptor: CInt) {
        var text = text
        text.withUTF8 { bytes in
            var rest = UnsafeRawBufferPointer(bytes)[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count <= 0 {
                    if count < 0, errno == EINTR { continue }
                    return
                }
                rest = rest.dropFirst(count)
            }
        }
    }
}
