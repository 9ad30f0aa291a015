/// The least that a model has to be shown to reach.
package struct QualityFloor: Sendable, Equatable {
    /// `kept`, the part of the teacher's deciding metric, or a metric's name.
    package let name: String
    package let least: Double

    /// Metrics of which less is better have no floor.
    private static let withoutFloor = ["loss", "calibration_error", "mean_squared_error"]

    /// - Parameter text: `kept=0.97`, as on the command line.
    package init(parsing text: String) throws(DistillationError) {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, let least = Double(parts[1]), (0...1).contains(least) else {
            throw .usage("--floor \(text): expected a name and a number from 0 to 1, such as kept=0.97 or accuracy=0.9")
        }
        (name, self.least) = (String(parts[0]), least)
    }

    /// The lower end of a floor's number in a report.
    ///
    /// - Throws: where the report has no such number.
    package func lowerBound(in run: PublishedReport.Run) throws(DistillationError) -> Double {
        let known = run.lowerBounds.filter { !Self.withoutFloor.contains($0.name) }
        guard let bound = known.first(where: { $0.name == name }) else {
            throw .usage(
                "--floor \(name): there is no such number in the report; it has \(known.map(\.name).joined(separator: ", "))"
            )
        }
        return bound.value
    }

    /// - Throws: of kind `belowFloor`, where the lower end is below the floor, or is no number.
    package func check(_ bound: Double) throws(DistillationError) {
        guard bound >= least else {
            throw DistillationError(
                .belowFloor,
                "\(name) is shown to be at least \(Words.number(bound, 4)) (the lower end of its 95 % interval), below the floor of "
                    + "\(least); nothing was published"
            )
        }
    }
}
