import Glibc

/// The users whom the machine knows.
package enum Users {
    /// The id of a user; nil when nobody has the name, or it cannot be found out.
    package static func id(named name: String) -> UInt32? {
        var entry = passwd()
        var found: UnsafeMutablePointer<passwd>?
        // The name's line: what does not fit is nobody's whom we should trust.
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 16 << 10) { room in
            guard getpwnam_r(name, &entry, room.baseAddress!, room.count, &found) == 0 else { return nil }
            return found?.pointee.pw_uid
        }
    }
}
