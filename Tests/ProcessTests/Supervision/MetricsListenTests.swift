import Foundation
import Glibc
import LinuxSystem
import Messages
import TestSupport
import Testing

/// `GET /metrics` at the running server.
@Suite(.timeLimit(.minutes(10))) struct MetricsListenTests {
    private static let get = "GET /metrics HTTP/1.1\r\nHost: other.example\r\n\r\n"

    /// All that the server sends until it ends the connection.
    private func answer(_ request: String, at path: String) throws -> String {
        try answer(request, on: try UnixStream.connect(to: path))
    }

    private func answer(_ request: String, on stream: consuming UnixStream) throws -> String {
        let stream = stream
        _ = try Array(request.utf8).withUnsafeBytes { try stream.write($0) }
        return try rest(of: stream)
    }

    private func rest(of stream: borrowing UnixStream) throws -> String {
        var bytes = [UInt8](repeating: 0, count: 1 << 20)
        guard try stream.descriptor.waitReadable(within: .seconds(20)) else {
            throw RawClient.Failure(description: "the server says nothing")
        }
        let count = try bytes.withUnsafeMutableBytes { try stream.readFully(into: $0) }
        return String(decoding: bytes.prefix(count), as: UTF8.self)
    }

    @Test func metricsAreShownAndNothingElse() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/metrics"
        let server = try TestServer(flags: ["--set", "metrics_listen=unix:\(path)"])
        var client = try server.client()
        for number in 0..<3 { #expect(try client.call("echo \(number)", model: "m").status == .ok) }
        let shown = try answer(Self.get, at: path)
        let parts = shown.components(separatedBy: "\r\n\r\n")
        #expect(parts.count == 2 && shown.hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(parts[0].contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"))
        #expect(parts[0].contains("\r\nContent-Length: \(parts[1].utf8.count)\r\n"))
        let lines = parts[1].split(separator: "\n")
        #expect(lines.allSatisfy { $0.hasPrefix("# ") || $0.hasPrefix("modeld_") })
        let labels = "model=\"m\",version=\"1\",variant=\"fp32\",status=\"OK\""
        #expect(lines.contains { $0 == "modeld_inference_requests_total{\(labels)} 3" })
        #expect(try answer("GET /health HTTP/1.1\r\n\r\n", at: path).hasPrefix("HTTP/1.1 404 "))
        let refused = try answer("DELETE /metrics HTTP/1.1\r\n\r\n", at: path)
        #expect(refused.hasPrefix("HTTP/1.1 405 ") && refused.contains("\r\nAllow: GET\r\n"))
        // It is counted on while somebody asks.
        #expect(try client.call("echo 4", model: "m").status == .ok)
        let end = ContinuousClock.now + .seconds(10)
        while try !answer(Self.get, at: path).contains("modeld_inference_requests_total{\(labels)} 4") {
            guard ContinuousClock.now < end else { throw RawClient.Failure(description: "the metrics stand still") }
            usleep(50_000)
        }
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
        #expect(access(path, F_OK) != 0, "the socket is left")
    }

    /// Who says nothing, or half a request, or does not read, is gone after a second; then come those that waited.
    @Test func whoIsSlowHoldsNobodyUpForLong() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/metrics"
        let server = try TestServer(flags: ["--set", "metrics_listen=unix:\(path)"])
        var client = try server.client()
        let slow = try Slow(path: path, count: 8)
        let start = ContinuousClock.now
        #expect(try answer(Self.get, at: path).hasPrefix("HTTP/1.1 200 OK\r\n"))
        #expect(ContinuousClock.now - start < .seconds(10))
        #expect(try client.call("echo on", model: "m").text == "w1:on")
        #expect(slow.streams.count == 8)
        #expect(try slow.streams.allSatisfy { try rest(of: $0.stream).isEmpty })
    }

    private final class Held {
        let stream: UnixStream
        init(_ stream: consuming UnixStream) { self.stream = stream }
    }

    private struct Slow {
        let streams: [Held]

        init(path: String, count: Int) throws {
            streams = try (0..<count).map { number in
                let stream = try UnixStream.connect(to: path)
                if number.isMultiple(of: 2) { _ = try Array("GET /metr".utf8).withUnsafeBytes { try stream.write($0) } }
                return Held(stream)
            }
        }
    }

    @Test func aPortOfThisMachineIsListenedOn() throws {
        func address(_ port: UInt16) -> sockaddr_in {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
            return address
        }
        func call(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32, _ port: UInt16) -> Int32 {
            var address = address(port)
            return withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        func open() -> Int32 { socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0) }
        let port = try #require(
            (20_000..<20_100).map { UInt16($0) }.shuffled().first { port in
                let probe = open()
                defer { close(probe) }
                return call({ bind(probe, $0, $1) }, port) == 0
            }
        )
        let server = try TestServer(flags: ["--set", "metrics_listen=127.0.0.1:\(port)"])
        let stream = UnixStream(OwnedDescriptor(open()))
        #expect(call({ connect(stream.rawValue, $0, $1) }, port) == 0)
        #expect(try answer(Self.get, on: stream).hasPrefix("HTTP/1.1 200 OK\r\n"))
        try server.signal(.terminate)
        #expect(try server.waitForExit() == .exited(0))
    }
}
