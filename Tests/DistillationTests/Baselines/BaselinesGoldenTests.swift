import Distillation
import Foundation
import ModelFiles
import Testing

/// The baselines against scikit-learn: the numbers that `ops/golden-baselines` recorded.
@Suite struct BaselinesGoldenTests {
    private static let golden: JSONNode = {
        do {
            return try JSONNode(readingFile: Bundle.module.resourcePath! + "/Golden/baselines.json")
        } catch {
            fatalError("\(error)")
        }
    }()

    private func numbers(_ node: JSONNode) throws -> [Double] { try node.elements().map { try $0.number() } }

    @Test func termsAndTheirWeightsAreScikitLearns() throws {
        let golden = try Self.golden.required("tfidf")
        let texts = try golden.required("texts").elements().map { try $0.string() }
        let fitted = try golden.required("fitted").integer(in: 1...100)
        let model = TfIdf(fitting: Array(texts.prefix(fitted)))
        #expect(model.terms == (try golden.required("terms").elements().map { try $0.string() }))
        let rows = model.rows(texts)
        for (index, row) in try golden.required("rows").elements().enumerated() {
            var expected = [Double](repeating: 0, count: model.terms.count)
            for pair in try row.elements() {
                let pair = try numbers(pair)
                expected[Int(pair[0])] = pair[1]
            }
            let furthest = zip(rows[index], expected).map { abs($0 - $1) }.max()!
            #expect(furthest < 1e-9, "text \(index)")
        }
    }

    @Test(arguments: 0..<5, [false, true])
    func modelsAreScikitLearns(place: Int, sparse: Bool) throws {
        let golden = Self.golden
        let features = try golden.required("features")
        let width = try features.required("width").integer(in: 1...100)
        let values = try numbers(try features.required("features"))
        let rows =
            sparse
            ? FeatureRows(
                sparse: stride(from: 0, to: values.count, by: width).map { start in
                    (0..<width).map { (column: $0, value: Double(Float(values[start + $0]))) }
                },
                width: width
            )
            : FeatureRows(dense: values.map(Float.init), width: width)
        let problem = try golden.required("models").elements()[place]
        let outputs = try problem.required("outputs").integer(in: 1...100)
        let said = try numbers(try problem.required("targets"))
        let targets: LinearTargets =
            switch try problem.required("kind").string() {
            case "classes": LinearTargets(classes: said.map { Int($0) }, of: outputs)
            case "labels": LinearTargets(link: .sigmoid, values: said, outputs: outputs)
            default: LinearTargets(numbers: said)
            }
        let model = try LogisticRegression(c: try problem.required("c").number(), tolerance: 1e-8).fit(rows, targets)
        #expect(model.isConverged)
        for (output, weights) in try problem.required("weights").elements().enumerated() {
            for (ours, theirs) in zip(model.weights(output), try numbers(weights)) {
                #expect(abs(ours - theirs) < 1e-4)
            }
        }
        // What is the same for all classes makes no difference to softmax, and a bias costs nothing.
        let biases = try numbers(try problem.required("biases"))
        let shift = targets.link == .softmax ? model.bias(0) - biases[0] : 0
        for (output, bias) in biases.enumerated() { #expect(abs(model.bias(output) - shift - bias) < 1e-4) }
        let predictions = model.predictions(rows)
        for (row, expected) in try problem.required("predictions").elements().enumerated() {
            for (output, theirs) in try numbers(expected).enumerated() {
                #expect(abs(predictions[row * outputs + output] - theirs) < 1e-4)
            }
        }
    }
}
