public import NIOCore

extension ModelClient {
    /// How a client behaves. The defaults suit a server on the same machine.
    public struct Configuration: Sendable {
        /// How long a call may take, from the call to its answer, waiting for a connection included, when the call does not
        /// say. The server enforces it too.
        public var defaultTimeout: Duration = .seconds(30)

        /// How long one attempt to connect may take, the greeting included.
        public var connectTimeout: Duration = .seconds(5)

        /// The delay after the first failed attempt to connect in a row; it doubles from one to the next, with up to 20 %
        /// taken off at random. The first attempt after a loss is made at once. A server that is started again is met sooner:
        /// while its socket is away, attempts begin at 5 ms and become a tenth rarer each time.
        public var initialReconnectDelay: Duration = .milliseconds(20)

        /// The longest delay between two attempts.
        public var maximumReconnectDelay: Duration = .seconds(2)

        /// What a call does while there is no connection: wait for one within its timeout (true), or fail as soon as an
        /// attempt to connect has failed (false), as a command-line tool prefers.
        public var waitsForConnection = true

        /// The largest frame to accept, in bytes. A frame that is announced larger ends the connection.
        public var maximumFrameBytes = 16 << 20

        /// Where the client's one event loop comes from; nil: the process-wide group of SwiftNIO.
        public var eventLoopGroup: (any EventLoopGroup)?

        /// The defaults.
        public init() {}
    }
}
