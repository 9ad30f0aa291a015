import Messages
import NIOCore
import Wire

/// The only handler of a connection: frames in, frames out, without copies of its own.
///
/// Lives on the client's event loop, like everything that it calls.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let id: ClientState.ConnectionID
    private let core: ClientCore
    private let maximumFrameBytes: Int
    /// What the server accepts; known from its greeting on.
    var peerMaximumFrameBytes = WireProtocol.maximumFrameBytes
    private var context: ChannelHandlerContext?
    /// The start of a frame whose end has not arrived.
    private var pending: ByteBuffer?
    /// Whether the server has said Hello.
    var isGreeted = false
    private var isFlushScheduled = false

    init(id: ClientState.ConnectionID, core: ClientCore, maximumFrameBytes: Int) {
        self.id = id
        self.core = core
        self.maximumFrameBytes = maximumFrameBytes
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelActive(context: ChannelHandlerContext) {
        core.connected(self)
    }

    func channelInactive(context: ChannelHandlerContext) {
        core.connectionEnded(self, nil)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        core.connectionEnded(self, error)
        context.close(promise: nil)
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        core.writabilityChanged(self, isWritable: context.channel.isWritable)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if var joined = pending {
            pending = nil
            joined.writeBuffer(&bytes)
            bytes = joined
        }
        do throws(WireError) {
            // A frame may close the connection; what follows it is not read then.
            while self.context != nil, let frame = try nextFrame(&bytes) { core.received(frame, on: self) }
        } catch {
            core.protocolBroken(self, error)
            return
        }
        if bytes.readableBytes > 0 {
            bytes.discardReadBytes()
            pending = bytes
        }
    }

    private func nextFrame(_ bytes: inout ByteBuffer) throws(WireError) -> Frame? {
        var taken = 0
        let result: Result<Frame, WireError>? = bytes.withUnsafeReadableBytes { readable in
            do throws(WireError) {
                guard let length = try FramePrefix.frameBytes(readable, maximumFrameBytes: maximumFrameBytes),
                    readable.count - WireProtocol.prefixBytes >= length
                else { return nil }
                taken = WireProtocol.prefixBytes + length
                let frame = readable[WireProtocol.prefixBytes..<taken]
                return .success(try Frame.decode(UnsafeRawBufferPointer(rebasing: frame)))
            } catch {
                return .failure(error)
            }
        }
        bytes.moveReaderIndex(forwardBy: taken)
        return try result?.get()
    }

    /// Writes a frame; the frames of one turn of the event loop reach the socket together.
    ///
    /// - Throws: `WireError` when the server does not accept a frame of that size.
    func write(_ frame: Frame) throws(WireError) {
        guard let context else { return }
        let outgoing = try OutgoingFrame(frame, maximumFrameBytes: peerMaximumFrameBytes)
        var buffer = context.channel.allocator.buffer(capacity: outgoing.size)
        buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: outgoing.size) { room in
            outgoing.write(into: room)
            return outgoing.size
        }
        context.write(wrapOutboundOut(buffer), promise: nil)
        guard !isFlushScheduled else { return }
        isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute { [self] in
            isFlushScheduled = false
            self.context?.flush()
        }
    }

    func close() {
        // What was written, such as cancellations, goes out first.
        context?.flush()
        context?.close(promise: nil)
    }
}
