import CLinuxShims
import Glibc

/// A failed system call: what was attempted, on what, and the reason.
package struct SystemError: Error, Equatable, Sendable {
    /// What was attempted, in the form of a verb: "open", "bind", "spawn".
    package var operation: String
    /// The `errno` value.
    package var errorNumber: Int32
    /// The file, socket or program concerned.
    package var path: String?
    /// What the reader can do about it, or what the error number alone does not say.
    package var hint: String?

    package init(_ operation: String, _ errorNumber: Int32, path: String? = nil, hint: String? = nil) {
        self.operation = operation
        self.errorNumber = errorNumber
        self.path = path
        self.hint = hint
    }

    /// The symbolic name of the error number, such as "ENOENT".
    package var errorName: String {
        linux_error_name(errorNumber).map { String(cString: $0) } ?? "errno \(errorNumber)"
    }
}

extension SystemError: CustomStringConvertible {
    package var description: String {
        let subject = path.map { " \($0)" } ?? ""
        let reason = String(cString: strerror(errorNumber))
        let advice = hint.map { ". \($0)" } ?? ""
        return "\(operation)\(subject): \(reason) (\(errorName))\(advice)"
    }
}

/// Turns the result of a shim, a negated error number when it failed, into a thrown error.
@discardableResult
func checked<Value: SignedInteger>(
    _ operation: String,
    path: @autoclosure () -> String? = nil,
    _ result: Value
) throws(SystemError) -> Value {
    guard result >= 0 else { throw SystemError(operation, Int32(-result), path: path()) }
    return result
}

/// Repeats a call that returns -1 and sets `errno` for as long as signals interrupt it.
@discardableResult
func retrying<Value: SignedInteger>(
    _ operation: String,
    path: @autoclosure () -> String? = nil,
    _ call: () -> Value
) throws(SystemError) -> Value {
    while true {
        let value = call()
        if value >= 0 { return value }
        let error = errno
        if error != EINTR { throw SystemError(operation, error, path: path()) }
    }
}
