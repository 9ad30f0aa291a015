import LinuxSystem
import Topology

/// What the supervisor passes on the command line, because it must be done before anything else: placement.
package struct Arguments {
    /// Whether it packs a checkpoint, or copies a pack, instead of serving one.
    var isPacker = false
    /// Whether memory that its node does not have is not taken from others.
    var isStrict = false
    /// The socketpair's descriptor.
    var channel: Int32 = 3
    var cpus: CPUSet?
    var node: Int?
    var threads = 1
    /// Whether it gives up what it does not need.
    var sandbox = Sandbox.Mode.off
    /// Who started this process, for asking to die with it.
    var parent: Int32?

    package struct Unusable: Error, CustomStringConvertible {
        package let description: String
    }

    package init(_ arguments: [String]) throws(Unusable) {
        var rest = arguments.dropFirst()[...]
        while let flag = rest.popFirst() {
            if flag == "--pack" || flag == "--strict" {
                if flag == "--pack" { isPacker = true } else { isStrict = true }
                continue
            }
            guard let value = rest.popFirst() else { throw Unusable(description: "\(flag) needs a value") }
            switch flag {
            case "--channel-fd": channel = try Self.number(flag, value)
            case "--node": node = try Self.number(flag, value)
            case "--threads": threads = max(1, try Self.number(flag, value))
            case "--parent": parent = try Self.number(flag, value)
            case "--sandbox":
                guard let mode = Sandbox.Mode(rawValue: value) else {
                    throw Unusable(description: "--sandbox \(value): not enforce, log or off")
                }
                sandbox = mode
            case "--cpus":
                guard let set = try? CPUSet(parsing: value) else {
                    throw Unusable(description: "--cpus \(value): not a CPU list such as 0-3,8")
                }
                cpus = set
            default:
                throw Unusable(description: "\(flag): modelworker is started by modeld, not by hand")
            }
        }
    }

    private static func number<Number: FixedWidthInteger>(_ flag: String, _ value: String) throws(Unusable) -> Number {
        guard let number = Number(value) else { throw Unusable(description: "\(flag) \(value): not a number") }
        return number
    }
}
