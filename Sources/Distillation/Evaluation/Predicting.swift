/// What a model says of examples that nobody has labelled.
package func predict(model: ServedModel, data: Dataset) throws(DistillationError) -> [Prediction] {
    let examples = data.examples
    let labels = model.labels
    switch data.task {
    case .classify:
        return zip(examples, try model.logits(of: examples)).map { example, row in
            let probabilities = softmax(row)
            return Prediction(
                example: example,
                answer: .label(labels[argmax(probabilities)]),
                probabilities: Array(zip(labels, probabilities))
            )
        }
    case .multiLabel:
        return zip(examples, try model.logits(of: examples)).map { example, row in
            let probabilities = row.map(sigmoid)
            return Prediction(
                example: example,
                answer: .labels(labels.indices.filter { probabilities[$0] > 0.5 }.map { labels[$0] }),
                probabilities: Array(zip(labels, probabilities))
            )
        }
    case .regression:
        return zip(examples, try model.logits(of: examples)).map { example, row in
            Prediction(example: example, answer: .value(Double(row[0])))
        }
    case .tag:
        return zip(examples, try model.tags(of: examples)).map { Prediction(example: $0, answer: .tags($1)) }
    case .answer:
        return zip(examples, try model.answers(to: examples, mayBeImpossible: false)).map {
            Prediction(example: $0, answer: .answer($1))
        }
    case .embed: throw .usage("\(model.directory): an encoder of sentences has no labels to give; choose a classifier")
    }
}
