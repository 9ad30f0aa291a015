import ArgumentParser
import Distillation
import LinuxSystem

/// What every command has.
struct CommonOptions: ParsableArguments {
    @Option(help: .setting(.seed, default: "1"))
    var seed: UInt64?

    @Option(help: ArgumentHelp("Threads to compute with. (default: one per CPU)", valueName: "n"))
    private var threads: Int?

    @Flag(help: "Print the result as one JSON object, as the last line.")
    var json = false

    /// How many there are to be.
    var threadCount: Int { threads.map { max(1, $0) } ?? Self.availableThreads }

    /// The CPUs that this process may use.
    private static var availableThreads: Int {
        let mask = (try? ThreadAffinity.current()) ?? [1]
        return max(1, mask.reduce(0) { $0 + $1.nonzeroBitCount })
    }
}

/// What every command has that makes a file or folder.
struct ReplacingOption: ParsableArguments {
    @Flag(help: "Replace what is there.")
    var force = false
}

extension ArgumentHelp {
    /// What a recipe's file says of a setting, and its usual value.
    static func setting(_ key: RecipeKey, default value: String? = nil) -> ArgumentHelp {
        let (help, usual) = (key.help, value ?? Recipe.standard.text(key) ?? "")
        return ArgumentHelp(
            "\(help.prefix(1).uppercased())\(help.dropFirst()). (default: \(usual))",
            valueName: key.valueName
        )
    }
}

extension RecipeKey {
    /// The option that sets it.
    var option: String { "--" + rawValue.replacing("_", with: "-") }

    fileprivate var valueName: String {
        switch self {
        case .learningRate: "x"
        case .precision: "precision"
        default: "n"
        }
    }
}
