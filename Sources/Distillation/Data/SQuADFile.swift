import JSON

/// SQuAD's own JSON file (Rajpurkar et al., arXiv 1606.05250 and 1806.03822): articles of paragraphs of questions.
///
/// A question of version 2 that has no answer in its context (`is_impossible`) has the target `.answers([])`; one whose
/// answers are not published has none.
enum SQuADFile {
    static func records(_ input: DataInput) throws(DistillationError) -> DataRecords {
        let document: JSONValue
        do throws(JSONError) {
            document = try JSONValue.parse(input.bytes, limits: JSONLimits(bytes: 1 << 30, values: 20_000_000))
        } catch {
            throw .failed("\(input.file), \(error)")
        }
        var result = DataRecords(file: input.file, task: .answer)
        for article in try Node(document, input.file, "the file").array("data") {
            for paragraph in try article.array("paragraphs") {
                let context = try paragraph.string("context")
                let answers = SQuADAnswers(context: context)
                for question in try paragraph.array("qas") {
                    result.records.append(try record(question, context: context, answers: answers, input: input))
                }
            }
        }
        return result
    }

    private static func record(
        _ question: Node,
        context: String,
        answers: SQuADAnswers,
        input: DataInput
    ) throws(DistillationError) -> DataRecord {
        let id = try question.string("id")
        let node = Node(question.value, input.file, "the question \(quoted(id))")
        var record = DataRecord(text: try node.string("question"), pair: context, id: id)
        if case .bool(true)? = node["is_impossible"] {
            record.statement = .answers([])
        } else if let value = node["answers"] {
            do throws(SQuADAnswers.Problem) {
                record.statement = .answers(try answers.answers(value))
            } catch {
                throw .failed("\(input.file): the question \(quoted(id)): \(error.message)")
            }
        }
        return record
    }

    /// A value of the file and what errors call it.
    private struct Node {
        let value: JSONValue
        let file: String
        let name: String

        init(_ value: JSONValue, _ file: String, _ name: String) {
            (self.value, self.file, self.name) = (value, file, name)
        }

        subscript(key: String) -> JSONValue? {
            guard case .object(let object) = value else { return nil }
            return object[key]
        }

        func array(_ key: String) throws(DistillationError) -> [Node] {
            guard case .array(let values)? = self[key] else {
                throw problem("has no array \(quoted(key)); is this SQuAD's own file? One object per line is a .jsonl")
            }
            let name = name == "the file" ? key : "\(name).\(key)"
            return values.enumerated().map { Node($0.element, file, "\(name)[\($0.offset)]") }
        }

        func string(_ key: String) throws(DistillationError) -> String {
            guard case .string(let text)? = self[key] else { throw problem("has no string \(quoted(key))") }
            guard !isBlank(text) else { throw problem("has an empty \(quoted(key))") }
            return text
        }

        private func problem(_ message: String) -> DistillationError { .failed("\(file): \(name) \(message)") }
    }
}

/// The answers of one context, each of which has to stand where its offset says.
struct SQuADAnswers {
    struct Problem: Error {
        let message: String
    }

    private let scalars: [Unicode.Scalar]

    init(context: String) {
        scalars = Array(context.unicodeScalars)
    }

    /// Answers as objects with `text` and `answer_start`, or as one object with an array of each; none twice.
    func answers(_ value: JSONValue) throws(Problem) -> [Target.Answer] {
        var pairs: [(JSONValue?, JSONValue?)] = []
        switch value {
        case .array(let values):
            for value in values {
                guard case .object(let object) = value else {
                    throw Problem(message: "an answer is \(value.kind), not an object")
                }
                pairs.append((object["text"], object["answer_start"]))
            }
        case .object(let object):
            guard case .array(let texts)? = object["text"], case .array(let starts)? = object["answer_start"],
                texts.count == starts.count
            else {
                throw Problem(message: "\"answers\" needs arrays \"text\" and \"answer_start\" of one length")
            }
            pairs = Array(zip(texts, starts))
        default: throw Problem(message: "\"answers\" is \(value.kind), not an array")
        }
        var answers: [Target.Answer] = []
        for case let (text, start) in pairs {
            guard case .string(let text)? = text, !text.isEmpty else {
                throw Problem(message: "an answer has no \"text\"")
            }
            guard case .integer(let start)? = start else {
                throw Problem(message: "the answer \(quoted(text)) has no integer \"answer_start\"")
            }
            let wanted = Array(text.unicodeScalars)
            guard start >= 0, start <= scalars.count - wanted.count,
                scalars[start..<start + wanted.count].elementsEqual(wanted)
            else {
                throw Problem(
                    message:
                        "the answer \(quoted(text)) does not stand at code point \(start) of the context"
                )
            }
            let answer = Target.Answer(text: text, start: start)
            if !answers.contains(answer) { answers.append(answer) }
        }
        return answers
    }
}
