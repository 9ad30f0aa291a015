import Distillation
import Foundation
import JSON
import ModelFiles
import Testing

/// The metrics against scikit-learn, scipy, seqeval and SQuAD's scripts (`ops/golden-metrics`).
@Suite struct MetricsTests {
    private static func golden(_ key: String) throws -> JSONNode {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent("Golden")
        return try JSONNode(readingFile: folder.appendingPathComponent("metrics.json").path).required(key)
    }

    private static func expect(
        _ value: Double,
        is key: String,
        of node: JSONNode,
        _ location: SourceLocation = #_sourceLocation
    ) throws {
        let expected = try node.required(key).number()
        #expect(abs(value - expected) < 1e-12, "\(key): \(value), not \(expected)", sourceLocation: location)
    }

    @Test func classification() throws {
        for node in try Self.golden("classification").elements() {
            let labels = try node.required("labels").int()
            let gold = try node.required("gold").ints()
            let probabilities = try node.required("probabilities").elements().map { try $0.numbers() }
            let predicted = probabilities.map { row in row.indices.max { row[$0] < row[$1] } ?? 0 }
            let matrix = ConfusionMatrix(gold: gold, predicted: predicted, labels: labels)
            try Self.expect(matrix.accuracy, is: "accuracy", of: node)
            try Self.expect(matrix.accuracy, is: "micro_f1", of: node)
            try Self.expect(matrix.macroF1, is: "macro_f1", of: node)
            try Self.expect(matrix.weightedF1, is: "weighted_f1", of: node)
            try Self.expect(matrix.matthews, is: "matthews", of: node)
            if labels == 2 { try Self.expect(matrix.f1(of: 1), is: "f1", of: node) }
            try Self.expect(logLoss(probabilities, gold: gold), is: "loss", of: node)
            let calibration = Calibration(
                confidences: zip(probabilities, predicted).map { $0[$1] },
                correct: zip(gold, predicted).map { $0 == $1 }
            )
            try Self.expect(calibration.error, is: "calibration_error", of: node)
            #expect(calibration.bins.count == 15)
            #expect(calibration.count == gold.count)
        }
    }

    /// Every statistic of the examples as they are is the metric.
    @Test func evaluationOfProbabilities() throws {
        for node in try Self.golden("classification").elements() {
            let labels = try node.required("labels").int()
            let gold = try node.required("gold").ints()
            let probabilities = try node.required("probabilities").elements().map { try $0.numbers() }
            let data = Dataset(
                task: .classify,
                labels: (0..<labels).map { "label \($0)" },
                examples: gold.map { Example(text: "a text", target: .label($0)) }
            )
            let evaluation = try Evaluation(probabilities: probabilities, data: data)
            for name in ["accuracy", "macro_f1", "loss", "calibration_error"] + (labels == 2 ? ["f1"] : []) {
                try Self.expect(try #require(evaluation.metrics[name]), is: name, of: node)
            }
            let once = Array(repeating: Int32(1), count: gold.count)
            for (name, statistic) in evaluation.statistics {
                #expect(abs(statistic(once) - (evaluation.metrics[name] ?? .nan)) < 1e-12, "\(name)")
            }
            #expect(evaluation.confusion?.total == gold.count)
        }
    }

    @Test func aTextWithoutALabelIsNoTest() {
        let data = Dataset(
            task: .classify,
            labels: ["a", "b"],
            examples: [Example(text: "x", target: .label(1)), Example(text: "y")]
        )
        #expect(
            throws: DistillationError(
                .usage,
                "example 2 has no label; evaluation needs the right answer of each example"
            )
        ) {
            try Evaluation(probabilities: [[0.5, 0.5], [0.5, 0.5]], data: data)
        }
    }

    @Test func multiLabel() throws {
        let node = try Self.golden("multi_label")
        let (gold, predicted) = (try node.required("gold").rows(), try node.required("predicted").rows())
        let labels = try node.required("labels").int()
        let scores = MultiLabelScores(gold: gold, predicted: predicted, labels: labels)
        try Self.expect(scores.exactMatch, is: "exact_match", of: node)
        try Self.expect(scores.microF1, is: "micro_f1", of: node)
        try Self.expect(scores.macroF1, is: "macro_f1", of: node)
        // A text drawn twice counts as if it stood there twice.
        let statistic = Statistics.multiLabel(gold: gold, predicted: predicted, labels: labels) { $0.microF1 }
        let twice = MultiLabelScores(gold: gold + [gold[0]], predicted: predicted + [predicted[0]], labels: labels)
        #expect(statistic([2] + Array(repeating: 1, count: gold.count - 1)) == twice.microF1)
    }

    @Test func correlation() throws {
        for node in try Self.golden("correlation").elements() {
            let (left, right) = (try node.required("left").numbers(), try node.required("right").numbers())
            try Self.expect(Correlation.pearson(left, right), is: "pearson", of: node)
            try Self.expect(Correlation.spearman(left, right), is: "spearman", of: node)
            let counts = [Int32(3), 0] + Array(repeating: Int32(1), count: left.count - 2)
            let drawn = [0, 0] + [0] + Array(2..<left.count)
            let (x, y) = (drawn.map { left[$0] }, drawn.map { right[$0] })
            #expect(abs(Statistics.pearson(left, right)(counts) - Correlation.pearson(x, y)) < 1e-12)
            #expect(abs(Statistics.spearman(left, right)(counts) - Correlation.spearman(x, y)) < 1e-12)
        }
        #expect(Correlation.pearson([1, 1], [1, 2]).isNaN)
    }

    @Test func areaUnderCurve() throws {
        let node = try Self.golden("area")
        let (inside, outside) = (try node.required("inside").numbers(), try node.required("outside").numbers())
        try Self.expect(Abstention.areaUnderCurve(inScope: inside, outOfScope: outside), is: "area", of: node)
    }

    @Test func tagging() throws {
        let node = try Self.golden("tagging")
        func tags(_ key: String) throws -> [[String]] {
            try node.required(key).elements().map { try $0.elements().map { try $0.string() } }
        }
        let (gold, predicted) = (try tags("gold"), try tags("predicted"))
        for (row, entities) in zip(gold, try node.required("entities").elements()) {
            let expected = try entities.elements().map { entity in
                let parts = try entity.elements()
                return EntitySpan(type: try parts[0].string(), words: try parts[1].int()..<(try parts[2].int()))
            }
            #expect(EntitySpan.find(in: row) == expected, "\(row)")
        }
        let scores = TaggingScores(gold: gold, predicted: predicted)
        try Self.expect(scores.f1, is: "f1", of: node)
        try Self.expect(scores.precision, is: "precision", of: node)
        try Self.expect(scores.recall, is: "recall", of: node)
        try Self.expect(scores.tokenAccuracy, is: "token_accuracy", of: node)
    }

    @Test func answers() throws {
        for node in try Self.golden("answers").elements() {
            let predicted = try node.required("predicted").string()
            let gold = try node.required("gold").elements().map { try $0.string() }
            for (version, key) in [(SquadScores.Version.one, "one"), (.two, "two")] {
                guard let expected = try node.member(key)?.numbers() else { continue }
                let score = SquadScores.score(predicted, gold: gold, version: version)
                #expect(score.exact == expected[0], "\(predicted), \(gold), version \(key)")
                #expect(abs(score.f1 - expected[1]) < 1e-12, "\(predicted), \(gold), version \(key)")
            }
        }
    }

    @Test func cosines() {
        #expect(abs(cosine([1, 2, 2], [2, 4, 4]) - 1) < 1e-12)
        #expect(cosine([0, 0], [1, 2]) == 0)
        #expect(abs(meanCosine([[1, 0], [1, 0]], [[1, 0], [0, 3]]) - 0.5) < 1e-12)
    }

    @Test func confusionsAreTheMostFrequentMistakes() {
        let matrix = ConfusionMatrix(gold: [0, 0, 0, 1, 1, 2], predicted: [1, 1, 0, 0, 1, 2], labels: 3)
        let found = matrix.confusions(5)
        #expect(found.map { [$0.gold, $0.predicted, $0.count] } == [[0, 1, 2], [1, 0, 1]])
        #expect(found.map(\.share) == [2.0 / 3, 0.5])
    }

    @Test func metricsAreJSONInTheirOrder() {
        var metrics = Metrics(task: .multiLabel, count: 3, ["exact_match": 0.5, "micro_f1": .nan])
        metrics["exact_match"] = 0.25
        metrics["loss"] = 2
        #expect(metrics.json == #"{"task":"multi-label","n":3,"exact_match":0.25,"micro_f1":null,"loss":2.0}"#)
    }

    @Test func predictionsAreLinesThatCanBeReadAsData() {
        let example = Example(text: "a \"b\"\n", pair: "c", id: "7")
        let prediction = Prediction(
            example: example,
            answer: .label("x"),
            probabilities: [("x", 0.75), ("y", 0.25)]
        )
        let expected = #"{"id":"7","text":"a \"b\"\n","text_pair":"c","label":"x","probabilities":{"x":0.75,"y":0.25}}"#
        #expect(prediction.json == expected)
        let tagged = Prediction(example: Example(text: "a b", words: ["a", "b"]), answer: .tags(["O", "B-X"]))
        #expect(tagged.json == #"{"tokens":["a","b"],"tags":["O","B-X"]}"#)
    }
}

extension JSONNode {
    fileprivate func int() throws -> Int { try integer(in: 0...1_000_000) }
    fileprivate func ints() throws -> [Int] { try elements().map { try $0.int() } }
    fileprivate func numbers() throws -> [Double] { try elements().map { try $0.number() } }
    fileprivate func rows() throws -> [[Int]] { try elements().map { try $0.ints() } }
}
