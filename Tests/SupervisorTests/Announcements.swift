import Supervisor
import Testing

/// What a service manager has been told, and whether it could follow.
struct Announcements {
    private(set) var all: [Announcement] = []
    private(set) var status: String?
    /// The last of them that is no status.
    private(set) var state: Announcement?

    mutating func note(_ announcement: Announcement) {
        all.append(announcement)
        switch (state, announcement) {
        case (_, .status(let sentence)):
            #expect(sentence != status, "the same is said twice")
            status = sentence
            return
        case (nil, .ready), (.reloading, .ready), (.ready, .reloading), (.reloading, .reloading): break
        case (.stopping, _): Issue.record("\(announcement) after the end was announced")
        case (_, .stopping): break
        default: Issue.record("\(announcement) after \(String(describing: state))")
        }
        state = announcement
    }
}
