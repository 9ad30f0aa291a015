import Foundation
import LinuxSystem
import ModelFiles
import TestSupport

/// A folder with small models and data files, and `distill` to run in it.
final class DistillFolder {
    let temporary: TemporaryFolder

    /// - Parameter examples: of `data.csv`: texts of the seeded checkpoints' words with two labels that their words tell.
    init(examples: Int = 48) throws {
        temporary = try TemporaryFolder()
        var encoder = SeededCheckpoint(
            family: .distilBERT,
            hidden: 32,
            layers: 2,
            heads: 2,
            intermediate: 64,
            vocabulary: 300
        )
        encoder.positions = 64
        try encoder.write(to: self("encoder"))
        var teacher = encoder
        teacher.labels = 2
        teacher.labelNames = ["early", "late"]
        teacher.spread = 0.25
        try teacher.write(to: self("teacher"))
        try temporary.write("data.csv", Self.table(examples))
    }

    func callAsFunction(_ name: String) -> String { temporary(name) }

    /// A header and examples: words from the first or from the second half of the alphabet.
    static func table(_ examples: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        var numbers = SeededNumbers(7)
        let rows = (0..<examples).map { index in
            let late = index % 2 == 1
            let words = (0..<3 + numbers.below(8)).map { _ in String(letters[numbers.below(13) + (late ? 13 : 0)]) }
            return "\(words.joined(separator: " ")),\(late ? "late" : "early")\n"
        }
        return "text,label\n" + rows.joined()
    }

    /// A file of SQuAD: each context has one word of the alphabet's end among others, which is the answer.
    static func questions(_ examples: Int) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        var numbers = SeededNumbers(9)
        let paragraphs = (0..<examples).map { index in
            let (before, after) = (numbers.below(6), numbers.below(6))
            let answer = letters[20 + numbers.below(6)]
            let others = (0..<before + after).map { _ in "\(letters[numbers.below(20)])" }
            let context = (others[..<before] + ["\(answer)"] + others[before...]).joined(separator: " ")
            return #"{"context":"\#(context)","qas":[{"id":"\#(index)","question":"q","answers":["#
                + #"{"text":"\#(answer)","answer_start":\#(2 * before)}]}]}"#
        }
        return #"{"version":"1.1","data":[{"title":"t","paragraphs":[\#(paragraphs.joined(separator: ","))]}]}"#
    }

    /// Runs `distill` until it ends.
    ///
    /// - Parameter extra: of its environment.
    func distill(_ arguments: [String], extra: [String: String] = [:]) throws -> ModelServer.Run {
        try ModelServer.modelctl(arguments, socket: nil, folder: temporary.path, program: "distill", extra: extra)
    }

    func distill(_ arguments: String...) throws -> ModelServer.Run { try distill(arguments) }

    /// The arguments of a short fine-tuning.
    func finetune(_ output: String, epochs: Int = 2, _ more: [String] = []) -> [String] {
        [
            "finetune", "--model", self("encoder"), "--data", self("data.csv"), "--output", self(output), "--epochs",
            "\(epochs)",
            "--batch-size", "8", "--threads", "1",
        ] + more
    }

    /// The last line of the output as JSON.
    static func result(_ run: ModelServer.Run) throws -> [String: Any] {
        guard let last = try run.json.last as? [String: Any] else {
            throw ModelServer.Failure(description: "no object: \(run.output)\(run.errors)")
        }
        return last
    }

    func bytes(_ name: String) throws -> [UInt8] { try FileContents.read(self(name)) }
}

/// Knuth's MMIX generator, so that a failing run can be made again.
struct SeededNumbers {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func below(_ count: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int(state >> 33) % count
    }
}
