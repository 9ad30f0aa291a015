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
    case draining(until: Int64)
    /// Workers are told to end.
    case stopping(until: Int64)
    /// Workers have been killed.
    case killing
    /// Clients are sent their last answers.
    case flushing(until: Int64)
    case finished

    /// From the order to the workers to end until they are killed.
    static let stopTimeout: Int64 = 8_000_000_000

    var deadline: Int64 {
        switch self {
        case .draining(let until), .stopping(let until), .flushing(let until): until
        case .serving, .killing, .finished: Int64.max
        }
    }
}
