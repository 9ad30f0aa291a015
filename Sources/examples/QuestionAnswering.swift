import ArgumentParser
import ModelClient

/// Questions about a document, answered with the sentence where the answer stands.
///
/// The document may be of any length. `answer.range` is a range of the Swift string, so what stands around it is at hand.
///
///     examples question-answering --model qa manual.txt "How is the valve closed?"
struct QuestionAnswering: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Questions about a document.")

    @OptionGroup var server: Server
    @Argument(help: "The document's file.")
    var file: String
    @Argument(help: "The questions.")
    var questions: [String]

    func run() async throws {
        let document = try contents(ofFile: file)
        try await server.withClient { client in
            let options = AnswerOptions(mayBeUnanswerable: true)
            let inputs = questions.map { QuestionInput($0, context: document) }
            let answers = try await client.answer(inputs, model: server.model, options: options)
            for (question, answer) in zip(questions, answers) {
                print(question)
                guard let range = answer.range else {
                    print("  The document does not say.")
                    continue
                }
                print("  \(answer.text) (\(fixed(Double(answer.score))))")
                print("  … \(sentence(around: range, in: document))")
            }
        }
    }

    /// The sentence that holds a range, with the range between asterisks.
    private func sentence(around range: Range<String.Index>, in text: String) -> String {
        let isEnd = { (character: Character) in ".!?\n".contains(character) }
        let start = text[..<range.lowerBound].lastIndex(where: isEnd).map { text.index(after: $0) } ?? text.startIndex
        let end = text[range.upperBound...].firstIndex(where: isEnd) ?? text.endIndex
        let before = text[start..<range.lowerBound].drop { $0.isWhitespace }
        return "\(before)*\(text[range])*\(text[range.upperBound..<end])"
    }
}
