/// An operation that was given what it cannot compute.
package enum TensorError: Error, Equatable, CustomStringConvertible {
    /// `operation` expected one shape and was given another.
    case shape(operation: String, expected: String, actual: String)
    /// The CPU or this build cannot do what a setting asks for.
    case unsupported(String)
    /// Memory or threads could not be had.
    case resource(String)

    package var description: String {
        switch self {
        case .shape(let operation, let expected, let actual): "\(operation): expected \(expected), got \(actual)"
        case .unsupported(let reason), .resource(let reason): reason
        }
    }
}
