import DistilBERT
import ModelFiles
import Tensors
import Training

/// The network of a Hugging Face folder, as a run of training begins with it.
final class LearningNetwork {
    private let start: ParameterBlock
    let values: ParameterBlock
    let model: TrainableModel

    /// - Parameters:
    ///   - learns: false for a teacher, which has no gradients.
    ///   - drops: whether the folder's dropout holds.
    init(
        _ directory: String,
        learns: Bool = true,
        format: WeightFormat = .float32,
        drops: Bool = false,
        team: ComputeTeam
    ) throws {
        let folder = try ModelFolder(directory: directory)
        let checkpoint = try folder.checkpoint()
        let plan = NetworkPlan(folder.configuration, nil, checkpoint: checkpoint)
        let layout = ParameterLayout(plan)
        start = ParameterBlock(layout)
        for parameter in layout.parameters { try parameter.copy(from: checkpoint, to: start[parameter]) }
        values = ParameterBlock(layout)
        let dropouts = plan.configuration.dropouts
        let rates = DropoutRates(
            hidden: Float(dropouts.hidden),
            attention: Float(dropouts.attention),
            head: Float(plan.head.dropout)
        )
        model = TrainableModel(
            plan,
            values: values,
            gradients: learns ? ParameterBlock(layout) : nil,
            format: format,
            rates: drops ? rates : .none,
            team: team
        )
        reset()
    }

    /// Puts back the folder's weights.
    func reset() {
        values.copy(from: start)
        model.refresh()
    }
}
