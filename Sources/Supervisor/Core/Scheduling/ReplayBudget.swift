/// Limits how often requests are sent again after the worker that computed them died, after gRPC's retry throttling
/// (proposal A6): it counts worker deaths, not requests, so that one bad batch cannot spend it.
///
/// It holds 10 tokens. A death takes one, an answered request gives a tenth back, and at 5 or fewer nothing is
/// replayed until successes have refilled it.
package struct ReplayBudget: Sendable {
    package static let capacity = 10.0
    package static let threshold = 5.0

    /// In tenths, so that the sums are exact.
    private var tenths = 100

    package init() {}

    package var tokens: Double { Double(tenths) / 10 }

    package var allowsReplay: Bool { tokens > Self.threshold }

    package mutating func recordDeath() { tenths = max(0, tenths - 10) }

    package mutating func recordSuccess() { tenths = min(100, tenths + 1) }
}
