import Messages
import ModelClient
import NIOCore
import NIOPosix
import Wire

/// What a fake server does about a request.
enum FakeReply: Sendable {
    case response(Response)
    /// The first half of the response, and the end of the connection.
    case cut(Response)
    case disconnect
    case silence
}

/// Runs what answers requests on threads of its own, so that a test which blocks those of Swift's tasks, or an answer that
/// blocks, keeps no other answer from coming.
private final class AnswerExecutor: TaskExecutor {
    static let shared = AnswerExecutor()

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        NIOThreadPool.singleton.submit { [self] _ in job.runSynchronously(on: asUnownedTaskExecutor()) }
    }
}

/// A fake server's end of one connection.
///
/// `@unchecked Sendable`: every variable is touched on the event loop only, where tasks bring their replies.
final class FakeConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let server: FakeModelServer
    private let eventLoop: any EventLoop
    private var context: ChannelHandlerContext?
    private var decoder = FrameDecoder()
    private var tasks: [UInt64: Task<Void, Never>] = [:]

    init(server: FakeModelServer, eventLoop: any EventLoop) {
        self.server = server
        self.eventLoop = eventLoop
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        server.opened(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        server.closed(self)
    }

    func channelActive(context: ChannelHandlerContext) {
        let hello = Hello(
            protocolVersion: WireProtocol.version,
            softwareVersion: "fake",
            maxFrameBytes: UInt32(clamping: server.configuration.maximumFrameBytes),
            maxInFlight: UInt32(clamping: server.configuration.maximumInFlight)
        )
        write(.hello(hello))
    }

    func channelInactive(context: ChannelHandlerContext) {
        for task in tasks.values { task.cancel() }
        tasks = [:]
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        decoder.append(bytes.readBytes(length: bytes.readableBytes) ?? [])
        do throws(WireError) {
            while let frame: Frame = try decoder.next() { received(frame) }
        } catch {
            context.close(promise: nil)
        }
    }

    private func received(_ frame: Frame) {
        switch frame {
        case .request(let request):
            tasks[request.streamID] = Task(executorPreference: AnswerExecutor.shared) {
                let reply = await self.server.reply(to: request)
                self.eventLoop.execute { self.perform(reply, request.streamID) }
            }
        case .cancel(let cancel):
            guard let task = tasks.removeValue(forKey: cancel.streamID) else { return }
            task.cancel()
            server.cancelled()
        case .ping(let ping):
            if !ping.ack { write(.ping(Ping(id: ping.id, ack: true))) }
        case .hello, .response, .goAway: break
        }
    }

    private func perform(_ reply: FakeReply, _ stream: UInt64) {
        // A request whose answer never comes can still be cancelled.
        if case .silence = reply { return }
        guard tasks.removeValue(forKey: stream) != nil else { return }
        switch reply {
        case .response(let response): write(.response(response))
        case .cut(let response):
            let bytes = bytes(of: .response(response))
            write(bytes.prefix(bytes.count / 2))
            context?.close(promise: nil)
        case .disconnect: context?.close(promise: nil)
        case .silence: break
        }
    }

    func close() {
        eventLoop.execute { self.context?.close(promise: nil) }
    }

    private func write(_ frame: Frame) {
        write(bytes(of: frame)[...])
    }

    private func write(_ bytes: ArraySlice<UInt8>) {
        context?.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
    }

    /// A frame's bytes. An answer that is too large for any frame becomes an error, as a real server's does.
    private func bytes(of frame: Frame) -> [UInt8] {
        do throws(WireError) {
            return try FrameEncoder.encode(frame)
        } catch {
            guard case .response(let response) = frame else { return [] }
            let failure = Response(
                streamID: response.streamID,
                status: error.status,
                message: error.message,
                endOfStream: true
            )
            return (try? FrameEncoder.encode(Frame.response(failure))) ?? []
        }
    }
}

extension Response {
    /// An answer to a request.
    init(_ request: Request, payload: [UInt8]) {
        let asked = try? ModelReference(parsing: request.model)
        let model = asked.map { ModelReference(name: $0.name, version: $0.version ?? 1, variant: $0.variant ?? "fp32") }
        self.init(
            streamID: request.streamID,
            timings: Timings(),
            model: model?.description ?? request.model,
            payload: payload,
            endOfStream: true,
            requestID: request.requestID
        )
    }

    /// A refusal.
    init(_ request: Request, _ error: ModelClientError) {
        let wait = error.retryAfter.map { $0 / .microseconds(1) } ?? 0
        self.init(
            streamID: request.streamID,
            status: error.code.status,
            message: error.message,
            retryAfterMicroseconds: wait > 0 && wait < 1e15 ? UInt64(wait) : 0,
            endOfStream: true,
            requestID: request.requestID
        )
    }
}
