/// A message that calls a method.
package protocol RPCRequest: Sendable, Equatable {
    /// The message that answers it.
    associatedtype Answer: Sendable, Equatable
    /// The method's name, as it travels in `Request.method`.
    static var method: String { get }
}
