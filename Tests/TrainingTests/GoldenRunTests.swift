import DistilBERT
import ModelFiles
import Tensors
import Testing
import Training

import func Foundation.sin

func sine(_ x: Double) -> Double { sin(x) }

/// Ten steps of AdamW with clipping, accumulation and a schedule, against PyTorch in double precision.
@Suite struct GoldenRunTests {
    @Test(arguments: GoldenCase.runs) func weightsAfterTenStepsAreThoseOfPyTorch(_ name: String) throws {
        let test = try GoldenCase(name)
        for set in InstructionSet.allCases where set.isSupported {
            try run(test, try test.model(set, threads: 2), set)
        }
    }

    private func run(_ test: GoldenCase, _ trained: GoldenCase.Trained, _ set: InstructionSet) throws {
        let node = test.node
        let settings = try node.required("optimizer")
        let rates = try node.required("learning_rates").elements().map { try $0.number() }
        let schedule = LearningRate(
            peak: try settings.required("learning_rate").number(),
            warmup: try settings.required("warmup_steps").integer(in: 0...100),
            steps: rates.count
        )
        let optimizer = Optimizer(
            Optimizer.Settings(
                decay: try settings.required("weight_decay").number(),
                mostNorm: try settings.required("most_norm").number()
            ),
            values: trained.values,
            gradients: trained.gradients,
            table: test.plan.embeddings.word,
            team: trained.team
        )
        let labels = try node.required("labels").integers()
        let norms = try node.required("gradient_norms").elements().map { try $0.number() }
        let losses = try node.required("losses").elements().map { try $0.number() }
        for (step, batches) in try node.required("batches").elements().enumerated() {
            var loss = 0.0
            let lists = try batches.elements().map { try $0.integers() }
            let parts = lists.map { list in
                (
                    batch: Batch(list.map { test.sequences[$0] }),
                    supervision: Supervision.labels(list.map { labels[$0] })
                )
            }
            var whole = LossCounts.zero
            for part in parts { whole += trained.model.counts(part.batch, part.supervision, .task) }
            let ids = parts.flatMap(\.batch.ids)
            optimizer.reach(ids)
            for (batch, supervision) in parts {
                loss += try trained.model.learn(batch, supervision, .task, of: whole).total
            }
            #expect(abs(loss - losses[step]) <= 1e-3 * max(1, losses[step]), "\(set) step \(step): \(loss)")
            #expect(abs(schedule.rate(ofStep: step) - rates[step]) <= 1e-12)
            let norm = optimizer.step(rate: schedule.rate(ofStep: step), rows: ids)
            #expect(abs(norm - norms[step]) <= 1e-3 * norms[step], "\(set) step \(step)")
            trained.model.refresh()
        }
        optimizer.finish()
        for parameter in trained.values.layout.parameters {
            guard let expected = test.expected(parameter, prefix: "") else {
                Issue.record("no \(parameter.name)")
                continue
            }
            var worst: Float = 0
            // The keys' biases have a gradient of rounding errors alone (Golden/README.md).
            let third = parameter.count / 3
            for (index, value) in expected.enumerated()
            where !(parameter.name.hasSuffix("qkv.bias") && index / third == 1) {
                let difference = abs(trained.values[parameter][index] - value)
                worst = difference.isNaN ? .infinity : max(worst, difference)
            }
            #expect(worst <= 2e-4, "\(set) \(parameter.name): off by \(worst)")
        }
    }
}
