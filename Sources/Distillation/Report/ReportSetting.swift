import LinuxSystem
import Tensors

/// What a report was measured with: whoever doubts a number can measure it again.
package struct ReportSetting: Sendable {
    /// A file of examples.
    package struct DataFile: Sendable {
        /// What it was for: "train", "test".
        package let role: String
        package let name: String
        package let examples: Int
        /// Of its contents, in hexadecimal digits.
        package let hash: String

        package init(role: String, name: String, examples: Int, hash: String) {
            self.role = role
            self.name = name
            self.examples = examples
            self.hash = hash
        }
    }

    /// As `/proc/cpuinfo` calls it.
    package var processor: String
    package var instructionSet: String
    /// With which the models were evaluated; requests per core are measured with one.
    package var threads: Int
    /// Of a request whose rate was measured: texts, and their mean length in characters.
    package var timedTexts: String
    package var files: [DataFile]

    package init(processor: String, instructionSet: String, threads: Int, timedTexts: String, files: [DataFile]) {
        self.processor = processor
        self.instructionSet = instructionSet
        self.threads = threads
        self.timedTexts = timedTexts
        self.files = files
    }

    /// Of this machine.
    package init(
        threads: Int,
        timed: [Example],
        files: [DataFile]
    ) throws(DistillationError) {
        let characters = timed.reduce(0) { $0 + $1.text.unicodeScalars.count + ($1.pair?.unicodeScalars.count ?? 0) }
        self.init(
            processor: Self.processorName,
            instructionSet: try InstructionSet.chosen().rawValue,
            threads: threads,
            timedTexts: "\(timed.count) texts of \(characters / max(1, timed.count)) characters on average",
            files: files
        )
    }

    private static var processorName: String {
        let text = (try? FileContents.readText("/proc/cpuinfo")) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
        let name = line?.split(separator: ":", maxSplits: 1).last?.drop { $0 == " " }
        return name.map(String.init) ?? "an unnamed CPU"
    }
}
