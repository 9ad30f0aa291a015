import DistilBERT
import Foundation
import ModelFiles
import Synchronization
import Tensors
import Testing
import Training

/// A case that `ops/golden-training` recorded (`Golden/README.md`).
struct GoldenCase: CustomTestStringConvertible {
    struct Term {
        let kind: String
        let weight: Double
        let value: Double
        let node: JSONNode
    }

    static let folder = Bundle.module.resourcePath! + "/Golden"

    /// The names of those that are one step.
    static let names: [String] = all.filter { !$0.hasSuffix("-run") }
    static let runs: [String] = all.filter { $0.hasSuffix("-run") }

    private static let all: [String] = {
        do {
            return try JSONNode(readingFile: folder + "/cases.json").required("cases").elements().map {
                try $0.string()
            }
        } catch {
            fatalError("\(error)")
        }
    }()

    let name: String
    let node: JSONNode
    let tensors: Checkpoint
    let checkpoint: Checkpoint
    let plan: NetworkPlan
    let sequences: [TokenSequence]
    var testDescription: String { name }

    init(_ name: String) throws {
        self.name = name
        node = try JSONNode(readingFile: "\(Self.folder)/cases/\(name)/case.json")
        tensors = try Checkpoint(directory: "\(Self.folder)/cases/\(name)")
        let folder = Self.folder + "/" + (try node.required("model").string())
        checkpoint = try Checkpoint(directory: folder)
        let configuration = try ModelConfiguration(directory: folder)
        plan = NetworkPlan(configuration, nil, checkpoint: checkpoint)
        let isBERT = configuration.family == .bert
        sequences = try node.required("sequences").elements().map { sequence in
            TokenSequence(
                ids: try sequence.required("ids").ids(),
                types: isBERT ? try sequence.required("types").ids() : []
            )
        }
    }

    func terms() throws -> [Term] {
        try node.required("terms").elements().map { term in
            Term(
                kind: try term.required("kind").string(),
                weight: try term.required("weight").number(),
                value: try term.required("value").number(),
                node: term
            )
        }
    }

    /// A stored tensor as a matrix.
    func matrix(_ name: String) -> Matrix? {
        guard let view = tensors.tensor(name) else { return nil }
        let buffer = FloatBuffer(count: view.count)
        view.copyFloats(to: UnsafeMutableBufferPointer(start: buffer.base, count: view.count))
        KeptMemory.keep(buffer)
        return buffer.matrix(rows: view.shape[0], columns: view.shape.count > 1 ? view.shape[1] : 1)
    }

    /// A model with the case's weights.
    func model(_ set: InstructionSet, threads: Int = 1, memory: TrainableEncoder.Memory = .everything) throws -> Trained
    {
        let projection = tensors.tensor("projection").map { view in
            TrainableModel.projection(to: view.shape[0], from: view.shape[1])
        }
        let layout = ParameterLayout(plan, added: projection?.parameters ?? [])
        let values = ParameterBlock(layout)
        for parameter in layout.parameters where parameter.name != "training.projection" {
            try parameter.copy(from: checkpoint, to: values[parameter])
        }
        if let projection, let view = tensors.tensor("projection") {
            view.copyFloats(to: UnsafeMutableBufferPointer(start: values[projection.weight], count: view.count))
        }
        let gradients = ParameterBlock(layout)
        let team = try ComputeTeam(cpus: Array(repeating: nil, count: threads), instructionSet: set)
        let model = TrainableModel(
            plan,
            values: values,
            gradients: gradients,
            projection: projection,
            memory: memory,
            team: team
        )
        model.refresh()
        return Trained(model: model, values: values, gradients: gradients, team: team)
    }

    struct Trained {
        let model: TrainableModel
        let values: ParameterBlock
        let gradients: ParameterBlock
        let team: ComputeTeam
    }

    /// What a parameter's tensors under `prefix` hold; nil where there is none.
    func expected(_ parameter: Parameter, prefix: String) -> [Float]? {
        var values: [Float] = []
        for name in parameter.tensors {
            let spelled = ["", "bert.", "distilbert."].lazy.compactMap { tensors.tensor(prefix + $0 + name) }.first
            guard let view = spelled else { return nil }
            values += view.floats()
        }
        return values
    }
}

extension JSONNode {
    func ids() throws -> [Int32] { try integers().map { Int32($0) } }
    func integers() throws -> [Int] { try elements().map { try $0.integer(in: -1000...100_000) } }
}

/// Matrices are views; their memory stays for the tests' life. Tests run side by side.
enum KeptMemory {
    nonisolated(unsafe) private static var kept: [AnyObject] = []
    private static let lock = Mutex(())

    static func keep(_ memory: AnyObject) { lock.withLock { _ in kept.append(memory) } }
}
