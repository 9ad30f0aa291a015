import Glibc
package import Messages
import ModelFiles

/// The answers that a version folder must give: the lines of `expected.jsonl`, an optional file beside config.json.
///
/// It finds what no comparison of a model with itself can, such as a tokenizer that is read wrongly. The file is read
/// where it lies and is no part of a pack, so that it may be changed without packing again.
package struct ExpectedAnswers {
    /// The file's path.
    package let path: String
    package let bytes: [UInt8]

    package static let fileName = "expected.jsonl"
    /// The most bytes of the file, and the most lines with an answer: a worker compares them before it is ready.
    private static let mostBytes = 16 << 20
    private static let mostAnswers = 1000
    /// Lines that one message names; it counts the others.
    private static let namedLines = 3

    /// Reads the file of a version folder; nil where there is none.
    package init?(folder: String) throws(ExpectedAnswersError) {
        path = "\(folder)/\(Self.fileName)"
        var status = stat()
        if lstat(path, &status) != 0, errno == ENOENT { return nil }
        do throws(ModelFilesError) {
            let file = try MappedFile(path: path)
            guard file.count <= Self.mostBytes else {
                throw ModelFilesError(
                    .invalidConfiguration,
                    file: path,
                    "the file has \(file.count) bytes, more than the \(Self.mostBytes) allowed; keep fewer answers"
                )
            }
            bytes = Array(file.bytes)
        } catch {
            throw ExpectedAnswersError("\(error)")
        }
    }

    /// Asks a model what the file asks.
    ///
    /// - Parameters:
    ///   - tasks: lines of other tasks are read, and not asked.
    ///   - progress: called after each line, and before each product.
    /// - Returns: how many answers were compared; all of them agree.
    /// - Throws: `ExpectedAnswersError` with the first lines that do not agree or are malformed; what `progress` throws.
    package func compare(
        with model: Model,
        tasks: Set<InferenceMethod> = Set(InferenceMethod.allCases),
        progress: () throws -> Void = {}
    ) throws -> Int {
        var (answers, compared, wrong) = (0, 0, 0)
        var stop: (any Error)?
        var faults: [String] = []
        let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() where line.contains(where: { !Self.isSpace($0) }) {
            answers += 1
            guard answers <= Self.mostAnswers else {
                throw ExpectedAnswersError(
                    "\(path): it has more than the \(Self.mostAnswers) answers allowed; keep fewer"
                )
            }
            let place = "line \(index + 1)"
            var fault: String?
            do throws(ExpectedAnswersError) {
                let expected = try line.withUnsafeBytes { line in
                    Result { () throws(ExpectedAnswersError) in try ExpectedAnswer(parsing: line) }
                }
                .get()
                if tasks.contains(expected.request.method) {
                    compared += 1
                    let difference = expected.difference(from: model) {
                        do { try progress() } catch { stop = error }
                        return stop == nil
                    }
                    fault = difference.map { "\(place) (\(expected.summary)): \($0)" }
                }
            } catch {
                fault = "\(place): \(error)"
            }
            if let stop { throw stop }
            if let fault {
                wrong += 1
                if faults.count < Self.namedLines { faults.append(fault) }
            }
            try progress()
        }
        guard wrong == 0 else {
            var message = "\(path) \(faults.joined(separator: "; "))"
            if wrong > faults.count { message += "; and \(wrong - faults.count) more of \(answers) lines" }
            throw ExpectedAnswersError(message)
        }
        return compared
    }

    private static func isSpace(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
    }
}

/// Expected answers that a model does not give, or that cannot be read. One sentence for people.
package struct ExpectedAnswersError: Error, Sendable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }
}
