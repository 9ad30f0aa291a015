/// What the service manager, such as systemd, is told of the server.
package enum Announcement: Equatable, Sendable {
    /// Every model serves that can, and what SIGHUP has asked for is done.
    case ready
    /// SIGHUP has come.
    case reloading
    case stopping
    /// How it is, for people.
    case status(String)
}

/// Knows what the service manager was told, and so what is news.
///
/// | state     | SIGHUP                | all is loaded | end        |
/// |-----------|-----------------------|---------------|------------|
/// | starting  | –                     | → ready       | → stopping |
/// | ready     | → reloading           | –             | → stopping |
/// | reloading | said again, for it may be another one | → ready | → stopping |
/// | stopping  | –                     | –             | –          |
struct Announcer {
    enum State {
        case starting
        case ready
        case reloading
        case stopping
    }

    private(set) var state = State.starting
    private var status = ""
    /// Of the catalogue that `status` is about.
    var revision: UInt64?

    mutating func hangUp() -> Announcement? {
        guard state == .ready || state == .reloading else { return nil }
        state = .reloading
        return .reloading
    }

    mutating func loaded() -> Announcement? {
        guard state == .starting || state == .reloading else { return nil }
        state = .ready
        return .ready
    }

    mutating func stop() -> Announcement? {
        guard state != .stopping else { return nil }
        state = .stopping
        return .stopping
    }

    mutating func say(_ sentence: String) -> Announcement? {
        guard sentence != status else { return nil }
        status = sentence
        return .status(sentence)
    }
}
