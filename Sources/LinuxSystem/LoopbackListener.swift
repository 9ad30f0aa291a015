import CLinuxShims
import Glibc

/// A listening TCP socket that only this machine's processes reach, at 127.0.0.1. Non-blocking and close-on-exec.
package struct LoopbackListener: ~Copyable, Sendable {
    private let descriptor: OwnedDescriptor
    private let address: String

    package init(port: UInt16, backlog: Int32 = 16) throws(SystemError) {
        let address = "127.0.0.1:\(port)"
        let descriptor = OwnedDescriptor(try checked("listen on", path: address, linux_listen_loopback(port, backlog)))
        try descriptor.setNonBlocking(true)
        self.address = address
        self.descriptor = descriptor
    }

    package var rawValue: Int32 { descriptor.rawValue }

    /// The next connection, which blocks until told otherwise; nil when none is waiting.
    package borrowing func accept() throws(SystemError) -> UnixStream? {
        let result = linux_accept(descriptor.rawValue)
        switch -result {
        case EAGAIN, ECONNABORTED: return nil
        default: return UnixStream(OwnedDescriptor(try checked("accept on", path: address, result)))
        }
    }
}
