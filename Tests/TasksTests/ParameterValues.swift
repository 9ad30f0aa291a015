import DistilBERT
import ModelFiles

/// The values of a network's parameters, in memory of their own.
final class ParameterValues {
    private var memory: [String: UnsafeMutableBufferPointer<Float>] = [:]

    /// Those of a folder.
    init(_ plan: NetworkPlan, _ checkpoint: Checkpoint) throws {
        for parameter in plan.parameters { try add(parameter, from: checkpoint) }
        for module in plan.modules {
            let directory: String
            switch module {
            case .dense(let dense, _, _): directory = dense.directory
            case .layerNorm(let norm, _): directory = norm.directory
            case .normalize: continue
            }
            let checkpoint = try Checkpoint(directory: directory)
            for parameter in module.parameters { try add(parameter, from: checkpoint) }
        }
    }

    deinit { memory.values.forEach { $0.deallocate() } }

    private func add(_ parameter: Parameter, from checkpoint: Checkpoint) throws {
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: parameter.shape.reduce(1, *))
        memory[parameter.name] = values
        try parameter.copy(from: checkpoint, to: values.baseAddress!)
    }

    func callAsFunction(_ parameter: Parameter) -> UnsafePointer<Float> {
        UnsafePointer(memory[parameter.name]!.baseAddress!)
    }

    /// The bits of all values, by the parameters' names.
    var bits: [String: [UInt32]] { memory.mapValues { $0.map(\.bitPattern) } }
}
