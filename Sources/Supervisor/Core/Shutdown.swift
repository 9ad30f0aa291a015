import Time

/// The end of the server.
///
/// | state    | SIGTERM, SIGINT | nothing unanswered | time is up                | no process left |
/// |----------|-----------------|--------------------|---------------------------|-----------------|
/// | serving  | → draining      | –                  | –                         | –               |
/// | draining | → killing       | → stopping         | refuses the rest → stopping | –             |
/// | stopping | → killing       | –                  | → killing                 | → flushing      |
/// | killing  | –               | –                  | –                         | → flushing      |
/// | flushing | –               | –                  | → finished                | → finished when all output is written |
enum Shutdown: Equatable {
    case serving
    /// Accepted requests are finished.
    case draining(until: Instant)
    /// Workers are told to end.
    case stopping(until: Instant)
    /// Workers have been killed.
    case killing
    /// Clients are sent their last answers.
    case flushing(until: Instant)
    case finished

    /// From the order to the workers to end until they are killed.
    static let stopTimeout = Duration.seconds(8)

    var deadline: Deadline {
        switch self {
        case .draining(let until), .stopping(let until), .flushing(let until): .at(until)
        case .serving, .killing, .finished: .never
        }
    }
}
