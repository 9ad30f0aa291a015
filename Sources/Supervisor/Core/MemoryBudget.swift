/// The bytes that are held of requests and answers on their way, and how many may be (`memory_budget`).
///
/// | share | of what                                                                                     | beyond it |
/// |-------|---------------------------------------------------------------------------------------------|-----------|
/// | 3/8   | *unfinished*: frames that are not whole, answers that are not read. Nobody has agreed to it. | who has most is closed |
/// | 4/8   | *pending*: accepted requests, which count twice: they are kept, so that they can be sent again, and copied on their way to a worker. Who sends much gets as much as it leaves to others. | refused |
/// | 1/8   | pending ones of clients that want little, which are served whatever the others do.           | refused |
struct MemoryBudget {
    var limit: Int
    /// Of clients' frames that are not whole, and of output that they have not read.
    var unfinished = 0
    /// Of requests that have no answer.
    var pending = 0
    /// Of output that workers have not read: requests on their way, and such as were given up.
    var unread = 0

    var total: Int { unfinished + pending + unread }

    /// Whether somebody is to be closed.
    var isExceeded: Bool { unfinished > limit / 8 * 3 }

    /// Whether a client may have a request of so many bytes beside others of `own`.
    func admits(_ bytes: Int, beside own: Int) -> Bool {
        let left = limit / 2 - 2 * pending - unread
        if 2 * (own + bytes) <= left { return true }
        let taken = pending + max(pending, unread)
        return own + bytes <= limit / 1024 && taken + 2 * bytes <= limit / 8 * 5
    }
}
