package import LinuxSystem

/// Why a topology could not be read or a plan not be made.
package enum TopologyError: Error, Equatable, Sendable {
    /// A text that is not a list of CPUs such as "0-3,8".
    case notACPUList(text: String, item: String)
    /// None of the wanted CPUs may be used.
    case noUsableCPU(wanted: CPUSet?, allowed: CPUSet)
    /// A setting is out of its range.
    case invalidSetting(name: String, value: Int, expected: String)
    /// The system refused to say.
    case system(SystemError)
}

extension TopologyError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .notACPUList(let text, let item):
            "\"\(text)\" is not a list of CPUs: \"\(item)\" should be a number from 0 to \(CPUSet.largestNumber), or a "
                + "range such as 0-3"
        case .noUsableCPU(let wanted?, let allowed):
            "none of the CPUs \(wanted) may be used by this process; it may use \(allowed)"
        case .noUsableCPU(nil, let allowed):
            "no CPU is usable: the process may use \(allowed.isEmpty ? "none" : "\(allowed)"), and none lies in an online node"
        case .invalidSetting(let name, let value, let expected):
            "\(name) is \(value); it must be \(expected)"
        case .system(let error):
            "\(error)"
        }
    }
}
