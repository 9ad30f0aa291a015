import Messages

extension Core {
    mutating func announce(_ announcement: Announcement?) {
        if let announcement { effects.append(.announce(announcement)) }
    }

    /// Announces what has changed.
    mutating func advanceAnnouncements() {
        switch announcer.state {
        case .starting, .reloading:
            // Those that nobody has called for: the first one, and those of SIGHUP.
            if !reloads.values.contains(where: { $0.call == nil }) { announce(announcer.loaded()) }
        case .ready: break
        case .stopping: return announce(announcer.say("shutting down"))
        }
        guard announcer.revision != catalogue.revision else { return }
        announcer.revision = catalogue.revision
        let sentence = readiness
        announce(announcer.say(sentence))
    }

    /// "2 of 3 models ready; not b@1:fp32".
    private var readiness: String {
        let models = catalogue.entries.map(\.model).filter { !$0.lifecycle.isUnloading && $0.retiresBy == nil }
        let missing = models.filter { $0.lifecycle.state != .ready }.map(\.reference)
        let names = missing.prefix(3).joined(separator: ", ") + (missing.count > 3 ? ", …" : "")
        return "\(models.count - missing.count) of \(models.count) models ready"
            + (missing.isEmpty ? "" : "; not \(names)")
    }
}
