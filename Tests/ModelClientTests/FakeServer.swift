import Foundation
import Messages
import NIOConcurrencyHelpers
import TestSupport
import Wire

/// A server on a real Unix socket in a temporary folder, which does what a test's script says.
///
/// Each connection runs the script on a thread of its own. A script waits as long as it takes: how late a test's tasks
/// run says nothing about the client. It ends when the client goes or the server is stopped, since reads fail then.
final class FakeServer: Sendable {
    let path: String
    private let folder: TemporaryFolder
    private let listener: NIOLockedValueBox<Int32>
    private let connections = NIOLockedValueBox(Connections())
    private let threads = DispatchGroup()

    private struct Connections {
        var descriptors: [Int32] = []
        var areClosed = false
    }

    /// - Parameter script: is given each connection and its number, from 1. When it returns, the connection is closed.
    init(
        path: String? = nil,
        script: @escaping @Sendable (FakeConnection, Int) throws -> Void
    ) throws {
        folder = try TemporaryFolder()
        self.path = path ?? folder("s")
        let descriptor = try Self.listen(self.path)
        listener = NIOLockedValueBox(descriptor)
        let threads = threads
        threads.enter()
        Thread.detachNewThread { [self] in
            defer { threads.leave() }
            var number = 0
            while case let accepted = accept(descriptor, nil, nil), accepted >= 0 {
                number += 1
                connections.withLockedValue {
                    $0.descriptors.append(accepted)
                    if $0.areClosed { shutdown(accepted, Int32(SHUT_RDWR)) }
                }
                let connection = FakeConnection(accepted)
                threads.enter()
                Thread.detachNewThread { [number] in
                    defer { threads.leave() }
                    // A script ends early when the client goes away; what matters is what the client reports.
                    try? script(connection, number)
                    connection.end()
                }
            }
        }
    }

    private static func listen(_ path: String) throws -> Int32 {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard descriptor >= 0, bound == 0, Glibc.listen(descriptor, 64) == 0 else { throw FakeServerError.cannotListen }
        return descriptor
    }

    /// Closes everything and waits for the scripts, on a thread of its own: tests must not block the tasks' threads.
    func stop() async {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                self.closeAll()
                continuation.resume()
            }
        }
    }

    private func closeAll() {
        listener.withLockedValue { descriptor in
            guard descriptor >= 0 else { return }
            shutdown(descriptor, Int32(SHUT_RDWR))
        }
        connections.withLockedValue {
            $0.areClosed = true
            for descriptor in $0.descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
        }
        threads.wait()
        connections.withLockedValue {
            for descriptor in $0.descriptors { close(descriptor) }
            $0.descriptors = []
        }
        listener.withLockedValue { descriptor in
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
        try? FileManager.default.removeItem(atPath: path)
    }
}

enum FakeServerError: Error {
    case cannotListen, ended, unexpected(Frame)
}

/// The server's end of one connection.
final class FakeConnection: Sendable {
    private let descriptor: Int32
    private let decoder = NIOLockedValueBox(FrameDecoder())

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
    }

    func end() {
        shutdown(descriptor, Int32(SHUT_RDWR))
    }

    func sendBytes(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                send(descriptor, $0.baseAddress! + sent, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { throw FakeServerError.ended }
            sent += count
        }
    }

    func sendFrame(_ frame: Frame) throws {
        try sendBytes(FrameEncoder.encode(frame, maximumFrameBytes: 64 << 20))
    }

    /// The next frame; throws when the client is gone or the server is stopped.
    func receive() throws -> Frame {
        while true {
            if let frame: Frame = try decoder.withLockedValue({ try $0.next() }) { return frame }
            var chunk = [UInt8](repeating: 0, count: 64 << 10)
            let count = recv(descriptor, &chunk, chunk.count, 0)
            guard count > 0 else { throw FakeServerError.ended }
            decoder.withLockedValue { $0.append(Array(chunk[..<count])) }
        }
    }

    /// Exchanges greetings.
    @discardableResult
    func greet(maximumInFlight: UInt32 = 0, maximumFrameBytes: UInt32 = 0, version: UInt32 = 1) throws -> Hello {
        let hello = Hello(
            protocolVersion: version,
            softwareVersion: "fake",
            maxFrameBytes: maximumFrameBytes,
            maxInFlight: maximumInFlight
        )
        try sendFrame(.hello(hello))
        guard case .hello(let hello) = try receive() else { throw FakeServerError.ended }
        return hello
    }

    func receiveRequest() throws -> Request {
        let frame = try receive()
        guard case .request(let request) = frame else { throw FakeServerError.unexpected(frame) }
        return request
    }

    func receiveCancel() throws -> UInt64 {
        let frame = try receive()
        guard case .cancel(let cancel) = frame else { throw FakeServerError.unexpected(frame) }
        return cancel.streamID
    }

    func answer(_ request: Request, _ status: StatusCode, _ message: String) throws {
        try sendFrame(
            .response(Response(streamID: request.streamID, status: status, message: message, endOfStream: true))
        )
    }

    /// Classifies each text as itself, with the length of the text as its number of tokens.
    func answer(_ request: Request) throws {
        let classify = try ClassifyRequest.decode(request.payload)
        let results = classify.inputs.map {
            Classification(scores: [LabelScore(label: $0.text, score: 0.5)], tokens: UInt32($0.text.count))
        }
        try answer(request, payload: ClassifyResponse(results: results).encode())
    }

    func answer(_ request: Request, payload: [UInt8], endOfStream: Bool = true) throws {
        let timings = Timings(
            queueMicroseconds: 10,
            tokenizationMicroseconds: 20,
            computeMicroseconds: 30,
            serverMicroseconds: 100,
            batchTokens: 5,
            batchRequests: 2,
            replays: 1
        )
        let response = Response(
            streamID: request.streamID,
            timings: timings,
            model: request.model + "@1:fp32",
            payload: payload,
            endOfStream: endOfStream
        )
        try sendFrame(.response(response))
    }

    /// Answers every request until the client goes.
    func answerAll() throws {
        while true {
            if case .request(let request) = try receive() { try answer(request) }
        }
    }
}

/// What a script has seen, for the test to wait for.
final class Seen<Value: Sendable>: Sendable {
    private let stream: AsyncStream<Value>
    private let continuation: AsyncStream<Value>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func add(_ value: Value) {
        continuation.yield(value)
    }

    /// The next value; nil when the test was cancelled.
    func next() async -> Value? {
        for await value in stream { return value }
        return nil
    }
}

/// A gate that scripts wait at until the test opens it. It stays open.
///
/// A test opens it on every way out (`defer`), for the server stops only when its scripts have ended.
final class Gate: Sendable {
    private let semaphore = DispatchSemaphore(value: 0)

    func open() {
        semaphore.signal()
    }

    func wait() {
        semaphore.wait()
        semaphore.signal()
    }
}
