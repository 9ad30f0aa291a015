package import DistilBERT
import Tensors

/// Why a step of training was not made.
package struct TrainingError: Error, Sendable, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    init(_ error: TensorError) { description = "\(error)" }
    package init(_ error: EngineError) { description = "\(error)" }
}
