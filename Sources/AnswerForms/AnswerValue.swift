import JSON

/// An answer in the keys of `transformers`: what `modelctl <task> --json` prints for one input.
package indirect enum AnswerValue: Sendable, JSONWritable {
    /// An id, an index or an offset.
    case integer(Int)
    /// A score.
    case number(Float)
    /// A vector, or scores.
    case numbers([Float])
    case text(String)
    case list([AnswerValue])
    case object([(key: String, value: AnswerValue)])

    /// An object with its members in this order.
    package static func object(_ members: KeyValuePairs<String, AnswerValue>) -> AnswerValue { .object(Array(members)) }

    package var json: String {
        switch self {
        case .integer(let integer): integer.json
        case .number(let number): number.json
        case .numbers(let numbers): numbers.json
        case .text(let text): text.json
        case .list(let list): list.json
        case .object(let members): JSONText.object(members.map { ($0.key, $0.value) }).json
        }
    }
}
