import LinuxSystem
import Messages
import Wire

/// A client of the plain protocol, blocking, so that tests can send what ModelClient never would.
struct RawClient: ~Copyable {
    private let stream: UnixStream
    private var decoder = FrameDecoder()
    private(set) var serverHello: Hello?
    private var lastStream: UInt64 = 0
    /// Responses that arrived while another one was waited for.
    private var early: [UInt64: [Response]] = [:]

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    init(connectingTo path: String) throws {
        let connected = try UnixStream.connect(to: path)
        try connected.setNonBlocking(true)
        stream = connected
    }

    /// Connects and exchanges Hello.
    static func open(_ path: String) throws -> RawClient {
        var client = try RawClient(connectingTo: path)
        try client.send(.hello(Hello(protocolVersion: WireProtocol.version, maxFrameBytes: 16 << 20)))
        guard case .hello(let hello)? = try client.receive() else { throw Failure(description: "no Hello") }
        client.serverHello = hello
        return client
    }

    func send(_ frame: Frame) throws { try send(bytes: try FrameEncoder.encode(frame)) }

    func send(bytes: [UInt8]) throws {
        guard try bytes.withUnsafeBytes({ try stream.writeFully($0) }) else {
            throw Failure(description: "the server has closed the connection")
        }
    }

    /// Sends a frame with descriptors, which nobody has asked for.
    func send(_ frame: Frame, descriptors: [Int32]) throws {
        let bytes = try FrameEncoder.encode(frame)
        _ = try stream.descriptor.waitWritable(within: .seconds(20))
        guard try bytes.withUnsafeBytes({ try stream.write($0, descriptors: descriptors) }) == .bytes(bytes.count)
        else {
            throw Failure(description: "the frame was not taken as a whole")
        }
    }

    /// Sends nothing more.
    func endInput() throws { try stream.shutdownWriting() }

    /// The next frame; nil when the server has closed the connection.
    mutating func receive(seconds: Int64 = 20) throws -> Frame? {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while true {
            if let frame = try decoder.next(Frame.self) { return frame }
            let left = deadline - ContinuousClock.now
            guard left > .zero, try stream.descriptor.waitReadable(within: left) else {
                throw Failure(description: "nothing arrived within \(seconds) s")
            }
            var room = [UInt8](repeating: 0, count: 64 << 10)
            switch try room.withUnsafeMutableBytes({ try stream.read(into: $0) }) {
            case .bytes(let count): decoder.append(Array(room[..<count]))
            case .wouldBlock: continue
            case .closed: return nil
            }
        }
    }

    // MARK: - Calls

    /// Sends a request and returns its stream.
    mutating func start(
        _ method: String,
        model: String = "",
        payload: [UInt8] = [],
        timeoutMilliseconds: UInt64 = 0,
        cost: UInt32 = 0,
        priority: Int32 = 0
    ) throws -> UInt64 {
        lastStream += 1
        try send(
            .request(
                Request(
                    streamID: lastStream,
                    method: method,
                    model: model,
                    timeoutMicroseconds: timeoutMilliseconds * 1000,
                    costEstimate: cost,
                    payload: payload,
                    priority: priority
                )
            )
        )
        return lastStream
    }

    /// Sends so many commands in one piece, and returns their streams.
    mutating func commands(_ command: String, count: Int, model: String, timeoutMilliseconds: UInt64 = 0) throws
        -> [UInt64]
    {
        let streams = (1...UInt64(count)).map { lastStream + $0 }
        lastStream += UInt64(count)
        let frames = try streams.map { stream in
            try FrameEncoder.encode(
                Frame.request(
                    Request(
                        streamID: stream,
                        method: InferenceMethod.classify.rawValue,
                        model: model,
                        timeoutMicroseconds: timeoutMilliseconds * 1000,
                        payload: Array(command.utf8)
                    )
                )
            )
        }
        try send(bytes: Array(frames.joined()))
        return streams
    }

    /// The next response of a stream.
    mutating func response(_ stream: UInt64, seconds: Int64 = 20) throws -> Response {
        if var waiting = early.removeValue(forKey: stream), !waiting.isEmpty {
            let first = waiting.removeFirst()
            if !waiting.isEmpty { early[stream] = waiting }
            return first
        }
        while true {
            switch try receive(seconds: seconds) {
            case .response(let response)? where response.streamID == stream: return response
            case .response(let response)?: early[response.streamID, default: []].append(response)
            case .some: continue
            case nil:
                throw Failure(description: "the server closed the connection before stream \(stream) was answered")
            }
        }
    }

    /// Asks the fake worker to do something.
    mutating func command(_ command: String, model: String, timeoutMilliseconds: UInt64 = 0) throws -> UInt64 {
        try start(
            InferenceMethod.classify.rawValue,
            model: model,
            payload: Array(command.utf8),
            timeoutMilliseconds: timeoutMilliseconds
        )
    }

    mutating func call(_ command: String, model: String, timeoutMilliseconds: UInt64 = 0) throws -> Response {
        try response(try self.command(command, model: model, timeoutMilliseconds: timeoutMilliseconds))
    }

    mutating func status() throws -> StatusResponse {
        let response = try response(
            try start(ControlMethod.status.rawValue, payload: StatusRequest(verbose: true).encode())
        )
        return try StatusResponse.decode(response.payload)
    }

    mutating func reload(_ model: String = "") throws -> [ReloadResult] {
        let response = try response(
            try start(ControlMethod.reload.rawValue, payload: ReloadRequest(model: model).encode())
        )
        guard response.status == .ok else { throw Failure(description: "reload: \(response.message)") }
        return try ReloadResponse.decode(response.payload).results
    }

    /// Watches the status until it is as wanted.
    mutating func wait(_ what: String, seconds: Int = 30, until isMet: (StatusResponse) -> Bool) throws
        -> StatusResponse
    {
        let stream = try start(ControlMethod.watch.rawValue, payload: WatchRequest(intervalMilliseconds: 100).encode())
        var last = StatusResponse()
        for _ in 0..<10 * seconds {
            last = try StatusResponse.decode(try response(stream).payload)
            guard isMet(last) else { continue }
            try send(.cancel(Cancel(streamID: stream)))
            while try !response(stream).endOfStream {}
            return last
        }
        throw Failure(description: "\(what) did not come about; the last status was \(last)")
    }
}

extension Response {
    var text: String { String(decoding: payload, as: UTF8.self) }
}
