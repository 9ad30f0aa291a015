package import Messages

extension FeaturesResponse: ResultsResponse {}

extension FeaturesRequest: PairForm {
    package func form(of outcome: Features) -> AnswerValue { .list(outcome.rows.map { .numbers(Array($0)) }) }
}

extension Features {
    /// The vectors of the tokens.
    package var rows: [ArraySlice<Float>] {
        let hidden = Int(hidden)
        return (0..<Int(tokens)).map { values.dropFirst($0 * hidden).prefix(hidden) }
    }
}
