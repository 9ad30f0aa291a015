import ArgumentParser
import DistilBERT
import Foundation
import ModelFiles
import Tasks
import Tensors
import Tokenization

/// Times the encoder alone, in this process, against the core's measured peak.
struct EngineBenchmark: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "engine",
        abstract: "Time forward passes of a checkpoint and compare them with the measured peak of the core."
    )

    @Argument(help: "A Hugging Face folder.")
    var model: String

    @Option(help: "Shapes as sequences×tokens.")
    var shapes: String = "1x16,1x128,1x384,8x128,32x32"

    @Option(help: "Texts, a JSON string a line: their lengths in steps of --step-tokens, as a server batches them.")
    var texts: String?

    @Option(help: "The folder whose tokenizer measures --texts; the model's own if not given.")
    var tokenizer: String?

    @Option(help: "The most tokens of one forward pass of --texts.")
    var stepTokens = 512

    @Option(help: "The precision of the weights, whose own peak the times are compared with: fp32, bf16 or int8.")
    var variant = "fp32"

    @Option(help: "Compute threads.")
    var threads = 1

    @Option(help: "Seconds for each shape.")
    var seconds = 3.0

    @Flag(help: "Compute only first tokens in the last layer, as classification does.")
    var firstTokens = false

    func run() throws {
        let engine = try LoadedEngine(directory: model, variant: variant, threads: threads)
        let (loaded, team) = (engine.model, engine.team)
        print("# \(team.instructionSet.rawValue), \(variant), threads: \(threads)")
        print("shape          median ms    p99 ms   GFLOP/s   peak GFLOP/s   of peak")
        for shape in shapes.split(separator: ",") {
            let numbers = shape.split(separator: "x").compactMap { Int($0) }
            guard numbers.count == 2 else { throw ValidationError("\(shape): not a shape such as 8x128") }
            try report(String(shape), [Array(repeating: numbers[1], count: numbers[0])], loaded, team)
        }
        if let texts { try report("real texts", try steps(texts), loaded, team) }
    }

    /// The first 200 texts' lengths in tokens, cut into batches.
    private func steps(_ path: String) throws -> [[Int]] {
        let tokenizer = try Tokenizer(try TokenizerFiles.load(directory: tokenizer ?? model))
        var steps: [[Int]] = [[]]
        for line in try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").prefix(200) {
            let text = try JSONDecoder().decode(String.self, from: Data(line.utf8))
            let length = try tokenizer.encode(text, maxLength: 512).count
            if !steps[steps.count - 1].isEmpty, steps[steps.count - 1].reduce(0, +) + length > stepTokens {
                steps.append([])
            }
            steps[steps.count - 1].append(length)
        }
        return steps
    }

    /// Times the steps together, again and again, the peak in between: the clock of a shared machine drifts.
    private func report(_ name: String, _ steps: [[Int]], _ model: Model, _ team: ComputeTeam) throws {
        let batches = steps.map { lengths in
            lengths.enumerated().map { index, length in
                TokenSequence(
                    ids: (0..<length).map {
                        Int32(1000 + (index * 7919 + $0 * 104_729) % 20000) % Int32(model.configuration.vocabularySize)
                    },
                    rows: firstTokens ? .first : .all
                )
            }
        }
        let work = batches.reduce(0.0) { $0 + floatingPointOperations(of: $1, model.configuration) }
        var times: [Double] = []
        var peaks: [Double] = []
        let start = ContinuousClock.now
        repeat {
            peaks.append(team.measurePeak(WeightFormat(rawValue: variant) ?? .float32, seconds: 0.1))
            let began = ContinuousClock.now
            for batch in batches { _ = try model.forward(batch) }
            times.append((ContinuousClock.now - began) / .seconds(1))
        } while times.count < 5 || ContinuousClock.now - start < .seconds(seconds)
        times.sort()
        peaks.sort()
        let median = times[times.count / 2]
        let peak = peaks[peaks.count / 2]
        let rate = work / median * 1e-9
        print(
            column(name, 12),
            column(median * 1e3),
            column(times[min(times.count - 1, times.count * 99 / 100)] * 1e3),
            column(rate),
            column(peak, 14),
            column(peak > 0 ? rate / peak * 100 : 0) + " %"
        )
    }

    private func column(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private func column(_ value: Double, _ width: Int = 9) -> String {
        let text = String(format: "%.2f", value)
        return String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
