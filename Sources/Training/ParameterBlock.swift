package import DistilBERT
package import Tensors

/// Where each parameter of a network lies in a block: one declaration for values, gradients and moments alike.
package struct ParameterLayout: Sendable {
    /// Every parameter once, in the plan's order, and then what a recipe adds, such as a projection between widths.
    package let parameters: [Parameter]
    /// The number of values of a block, gaps included: every parameter begins on a cache line.
    package let count: Int
    private let offsets: [String: Int]

    private static let alignment = 16

    /// - Parameter added: parameters that belong to the training and not to the model.
    package init(_ plan: NetworkPlan, added: [Parameter] = []) {
        var offsets: [String: Int] = [:]
        var owners: [[String]: String] = [:]
        var parameters: [Parameter] = []
        var end = 0
        for parameter in plan.parameters + added {
            // What has the same tensors is the same parameter: a tied decoder is the word table.
            if let owner = owners[parameter.tensors] {
                offsets[parameter.name] = offsets[owner]
                continue
            }
            owners[parameter.tensors] = parameter.name
            offsets[parameter.name] = end
            parameters.append(parameter)
            end += (parameter.count + Self.alignment - 1) / Self.alignment * Self.alignment
        }
        self.parameters = parameters
        self.offsets = offsets
        count = end
    }

    /// The number of values that are trained.
    package var trainable: Int { parameters.reduce(0) { $0 + $1.count } }

    package func offset(of parameter: Parameter) -> Int {
        guard let offset = offsets[parameter.name] else {
            preconditionFailure("\(parameter.name) is no parameter of this network")
        }
        return offset
    }
}

/// One value for each value of a network's parameters: the weights, their gradients, or an optimiser's moments.
package final class ParameterBlock {
    package let layout: ParameterLayout
    package let memory: FloatBuffer

    /// All 0.
    package init(_ layout: ParameterLayout) {
        self.layout = layout
        memory = FloatBuffer(count: layout.count)
        clear()
    }

    package func clear() { memory.base.update(repeating: 0, count: memory.count) }

    package subscript(_ parameter: Parameter) -> UnsafeMutablePointer<Float> {
        memory.base + layout.offset(of: parameter)
    }

    /// As rows; a vector is one row.
    package func matrix(_ parameter: Parameter) -> Matrix {
        let columns = parameter.shape[parameter.shape.count - 1]
        return Matrix(base: self[parameter], rows: parameter.count / columns, columns: columns, stride: columns)
    }

    package func copy(from other: ParameterBlock) {
        memory.base.update(from: other.memory.base, count: min(memory.count, other.memory.count))
    }
}
