import Glibc
package import LinuxSystem

/// The socket of a service manager, for what a service tells it.
package final class NotifySocket: Sendable {
    /// As NOTIFY_SOCKET has it.
    package let name: String
    private let descriptor: OwnedDescriptor

    /// - Parameter name: a path, or an abstract name behind an '@'.
    package init(_ name: String) throws(SystemError) {
        self.name = name
        let type = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
        descriptor = OwnedDescriptor(socket(AF_UNIX, type, 0))
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(name.utf8)
        withUnsafeMutableBytes(of: &address.sun_path) { path in
            path.copyBytes(from: bytes)
            if name.hasPrefix("@") { path[0] = 0 }
        }
        // An abstract name has no end but the address's.
        let size = MemoryLayout<sa_family_t>.size + bytes.count + (name.hasPrefix("@") ? 0 : 1)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor.rawValue, $0, socklen_t(size))
            }
        }
        guard bound == 0 else { throw SystemError("bind", errno, path: name) }
    }

    /// The next message; nil when none comes within that time.
    package func next(within timeout: Duration = .seconds(30)) throws(SystemError) -> String? {
        guard try descriptor.waitReadable(within: timeout) else { return nil }
        var room = [UInt8](repeating: 0, count: 4096)
        let count = recv(descriptor.rawValue, &room, room.count, 0)
        guard count >= 0 else { throw SystemError("receive", errno, path: name) }
        return String(decoding: room[..<count], as: UTF8.self)
    }

    /// What comes before a message that begins like this, and that message.
    package func messages(upTo start: String, within timeout: Duration = .seconds(30)) throws(SystemError) -> [String] {
        var all: [String] = []
        while all.last?.hasPrefix(start) != true {
            guard let message = try next(within: timeout) else {
                throw SystemError("wait for '\(start)'", ETIMEDOUT, path: name, hint: "There came \(all).")
            }
            all.append(message)
        }
        return all
    }
}
