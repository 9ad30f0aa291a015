import LinuxSystem
import Logging
import Messages
import Wire

extension Server {
    static let greetingTimeout: Int64 = 5_000_000_000
    static let closingTimeout: Int64 = 2_000_000_000

    // MARK: - Coming

    func acceptClients(at now: Int64) {
        do throws(SystemError) {
            while let stream = try listening?.listener.accept() { try welcome(stream, at: now) }
        } catch {
            // Out of descriptors, most likely. The connection stays in the kernel's queue, so polling it would spin.
            logger.warning("accepting is paused", metadata: ["error": "\(error)"])
            watchListener([])
            acceptAt = now + 100_000_000
        }
    }

    func resumeAccepting() {
        acceptAt = Int64.max
        watchListener(.readable)
    }

    private func watchListener(_ interest: Readiness) {
        guard let listening else { return }
        try? epoll.modify(listening.listener.rawValue, token: Token.listener.value, interest: interest)
    }

    private func welcome(_ stream: consuming UnixStream, at now: Int64) throws(SystemError) {
        let peer = try stream.peerCredentials()
        let id = nextID()
        let channel = try FramedStream(stream, owner: .client(id), maximumFrameBytes: configuration.maxFrameBytes)
        let client = ClientConnection(
            id: id,
            channel: channel,
            peer: peer,
            greetingUntil: now + Self.greetingTimeout
        )
        try epoll.add(channel.descriptor, token: channel.owner.value, interest: .readable)
        clients[client.id] = client
        transient.insert(client.id)
        send(
            .hello(
                Hello(
                    protocolVersion: WireProtocol.version,
                    softwareVersion: Self.version,
                    maxFrameBytes: UInt32(clamping: configuration.maxFrameBytes),
                    maxInFlight: UInt32(clamping: configuration.maxInFlight)
                )
            ),
            to: client
        )
        if peer.userID != userID, peer.userID != 0, !configuration.allowOtherUsers {
            let message = "this server serves user \(userID) and root, and the caller is user \(peer.userID)"
            refuseConnection(client, Refusal(.permissionDenied, message), at: now)
        } else if clients.count > configuration.maxConnections {
            let message = "the server has \(configuration.maxConnections) connections already (max_connections)"
            refuseConnection(client, Refusal(.resourceExhausted, message, retryAfter: 1_000_000_000), at: now)
        }
    }

    // MARK: - Reading

    func clientReady(_ id: UInt64, _ readiness: Readiness, at now: Int64) {
        guard let client = clients[id] else { return }
        if readiness.contains(.writable) { markForFlush(client.channel) }
        guard readiness.rawValue & Readiness.worthReading.rawValue != 0 else { return }
        switch client.channel.receive() {
        case .bytes: break
        case .nothing: return
        case .closed: return disconnect(client)
        }
        if client.isClosing {
            // Read and forgotten: a socket that is closed with unread bytes takes the last answer with it.
            client.channel.decoder = FrameDecoder(maximumFrameBytes: configuration.maxFrameBytes)
        }
        // A frame may end its client, and what arrived behind it is then nobody's.
        while !client.isClosing, clients[id] != nil {
            switch client.channel.next(Frame.self) {
            case .frame(let frame): handle(frame, from: client, at: now)
            case .malformed(let error, let stream): malformed(error, stream: stream, from: client, at: now)
            case .broken(let error):
                refuseConnection(client, Refusal(error.status, error.message), at: now)
            case .none: return
            }
        }
    }

    private func handle(_ frame: Frame, from client: ClientConnection, at now: Int64) {
        guard case .open = client.state else {
            guard case .hello(let hello) = frame else {
                return refuseConnection(
                    client,
                    Refusal(.failedPrecondition, "the first frame should be Hello"),
                    at: now
                )
            }
            return greeted(by: hello, client, at: now)
        }
        switch frame {
        case .request(let request): accept(request, from: client, at: now)
        case .cancel(let cancel): self.cancel(stream: cancel.streamID, of: client)
        case .ping(let ping) where !ping.ack: send(.ping(Ping(id: ping.id, ack: true)), to: client)
        case .ping, .goAway: break
        case .hello: refuseConnection(client, Refusal(.invalidArgument, "a second Hello"), at: now)
        case .response:
            refuseConnection(client, Refusal(.invalidArgument, "a client sends no Response"), at: now)
        }
    }

    private func greeted(by hello: Hello, _ client: ClientConnection, at now: Int64) {
        guard hello.protocolVersion == WireProtocol.version else {
            let message =
                "the client speaks version \(hello.protocolVersion) of the protocol and this server, \(Self.version), "
                + "version \(WireProtocol.version): update the older one"
            return refuseConnection(client, Refusal(.failedPrecondition, message), at: now)
        }
        if hello.maxFrameBytes > 0 { client.peerFrameLimit = Int(hello.maxFrameBytes) }
        client.state = .open
        transient.remove(client.id)
    }

    private func malformed(_ error: WireError, stream: UInt64, from client: ClientConnection, at now: Int64) {
        let refusal = Refusal(error.status, error.message)
        guard case .open = client.state else { return refuseConnection(client, refusal, at: now) }
        // The answer of a stream that is in flight is still to come.
        answer(client, stream: client.isInFlight(stream) ? 0 : stream, refusal)
    }

    // MARK: - Writing

    /// Queues a frame. A client that has left, or is being closed, is sent nothing more.
    func send(_ frame: Frame, to client: ClientConnection) {
        guard clients[client.id] != nil, !client.isClosing else { return }
        do throws(WireError) {
            try client.channel.output.append(frame, maximumFrameBytes: client.peerFrameLimit)
        } catch {
            guard case .response(var response) = frame, !response.payload.isEmpty else { return }
            response.payload = []
            response.status = .outOfRange
            response.message = "the answer is too large for the client: \(error.message); send less at once"
            try? client.channel.output.append(Frame.response(response), maximumFrameBytes: client.peerFrameLimit)
        }
        if client.channel.output.count > configuration.maxOutputBytes {
            logger.warning("a client does not read its answers", metadata: ["pid": "\(client.peer.processID)"])
            disconnect(client)
        } else {
            markForFlush(client.channel)
        }
    }

    func answer(_ client: ClientConnection, stream: UInt64, _ refusal: Refusal, model: String = "") {
        send(
            .response(
                Response(
                    streamID: stream,
                    status: refusal.code,
                    message: refusal.message,
                    retryAfterMicroseconds: UInt64(max(0, refusal.retryAfter) / 1000),
                    model: model,
                    endOfStream: true
                )
            ),
            to: client
        )
    }

    func markForFlush(_ channel: FramedStream) {
        guard !channel.isMarkedForFlush else { return }
        channel.isMarkedForFlush = true
        toFlush.append(channel)
    }

    // MARK: - Leaving

    /// Tells the client why, and closes the connection when it has been written.
    func refuseConnection(_ client: ClientConnection, _ refusal: Refusal, at now: Int64) {
        guard !client.isClosing else { return }
        abandonRequests(of: client)
        answer(client, stream: 0, refusal)
        send(.goAway(GoAway(reason: refusal.message)), to: client)
        guard clients[client.id] != nil else { return }
        client.state = .closing(until: now + Self.closingTimeout)
        transient.insert(client.id)
    }

    /// Forgets the client: its requests are cancelled, its descriptor is closed.
    func disconnect(_ client: ClientConnection) {
        guard clients.removeValue(forKey: client.id) != nil else { return }
        transient.remove(client.id)
        abandonRequests(of: client)
        try? epoll.remove(client.channel.descriptor)
    }

    private func abandonRequests(of client: ClientConnection) {
        for id in client.requests.values { scheduler.cancel(id) }
        watches.removeAll { $0.call.client == client.id }
        client.controlCalls.removeAll()
    }
}
