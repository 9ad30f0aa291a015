package import DistilBERT
package import ModelFiles
package import Tokenization
package import Training

/// A model folder that something is trained from.
package struct ModelSource: Sendable {
    package let directory: String
    package let folder: ModelFolder
    package let tokenizer: Tokenizer
    package let plan: NetworkPlan
    private let checkpoint: Checkpoint

    package var configuration: ModelConfiguration { plan.configuration }

    package init(_ directory: String) throws(DistillationError) {
        self.directory = directory
        do {
            folder = try ModelFolder(directory: directory)
            tokenizer = try Tokenizer(folder: folder)
            checkpoint = try folder.checkpoint()
            plan = NetworkPlan(folder.configuration, nil, checkpoint: checkpoint)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// The weights of encoder and head.
    package func values() throws(DistillationError) -> ParameterBlock {
        let layout = ParameterLayout(plan)
        let values = ParameterBlock(layout)
        do throws(ModelFilesError) {
            for parameter in layout.parameters { try parameter.copy(from: checkpoint, to: values[parameter]) }
        } catch {
            throw .failed("\(error)")
        }
        return values
    }

    /// The tokenizer's files.
    package func tokenizerFiles() throws(DistillationError) -> [SmallFile] {
        do throws(ModelFilesError) {
            return try TokenizerFiles.contents(of: folder.transformerDirectory)
        } catch {
            throw .failed("\(error)")
        }
    }

    /// A hash of the weights and the small files that say what they are.
    package var contents: UInt64 {
        var hash: UInt64 = 0
        for file in checkpoint.contents { hash = contentHash(file.bytes, seed: hash) }
        return hash
    }
}

extension ModelConfiguration {
    /// The configuration of a model of this family that is made for a task.
    ///
    /// - Parameter labels: of a classifier; one without a meaning for a regression.
    func adapted(to task: TrainingTask, labels: [String]) -> ModelConfiguration {
        var result = self
        let family = family == .bert ? "Bert" : "DistilBert"
        result.problemType = nil
        result.labels = labels
        result.crossEncoderActivation = nil
        switch task {
        case .classify:
            result.architecture = family + "ForSequenceClassification"
            result.problemType = .singleLabelClassification
        case .multiLabel:
            result.architecture = family + "ForSequenceClassification"
            result.problemType = .multiLabelClassification
        case .regression:
            result.architecture = family + "ForSequenceClassification"
            result.problemType = .regression
            result.labels = ["LABEL_0"]
        case .tag: result.architecture = family + "ForTokenClassification"
        case .answer:
            result.architecture = family + "ForQuestionAnswering"
            result.labels = []
        case .embed:
            result.architecture = family + "Model"
            result.labels = []
        }
        return result
    }

    /// As `adapted(to:labels:)`, to guess masked words.
    func adaptedToMaskedLM() -> ModelConfiguration {
        var result = self
        result.architecture = (family == .bert ? "Bert" : "DistilBert") + "ForMaskedLM"
        result.labels = []
        result.problemType = nil
        result.tiesWordEmbeddings = true
        return result
    }
}

extension ModelSource {
    /// The names of a classifier's or tagger's outputs; nil of a model that has none.
    package var labels: [String]? {
        if let labels = folder.moduleLabels { return labels }
        switch plan.head.head {
        case .sequenceClassification, .tokenClassification: return configuration.labels
        case .none, .questionAnswering, .maskedLM, .multipleChoice: return nil
        }
    }

    /// What the model does.
    package var task: TrainingTask {
        let isMultiLabel = configuration.problemType == .multiLabelClassification
        if folder.moduleLabels != nil { return isMultiLabel ? .multiLabel : .classify }
        switch plan.head.head {
        case .sequenceClassification(let labels):
            return configuration.problemType == .regression || labels == 1
                ? .regression : isMultiLabel ? .multiLabel : .classify
        case .tokenClassification: return .tag
        case .questionAnswering: return .answer
        case .none, .maskedLM, .multipleChoice: return .embed
        }
    }
}
