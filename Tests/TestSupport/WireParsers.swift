import Messages
package import Wire

/// The readers of bytes from a socket. Each takes any bytes and returns; true if it accepted them. What one accepts must
/// come back the same when it is written and read again.
package enum WireParsers {
    package static let all = MessageRegistry.all.map(parser) + [frameStream, modelReference]

    /// The place in `all` of what reads a message.
    package static func index(of type: any WireMessage.Type) -> UInt8 {
        UInt8(MessageRegistry.all.firstIndex { $0 == type } ?? 0)
    }

    private static func parser(_ type: any WireMessage.Type) -> @Sendable ([UInt8]) -> Bool {
        func parser<M: WireMessage>(_ type: M.Type) -> @Sendable ([UInt8]) -> Bool { { decode($0, as: type) } }
        return parser(type)
    }

    package static func decode<M: WireMessage>(_ bytes: [UInt8], as type: M.Type) -> Bool {
        guard let message = try? M.decode(bytes) else { return false }
        let again = message.encode()
        guard let second = try? M.decode(again), second.encode() == again else {
            fatalError("\(type) does not come back: \(bytes)")
        }
        return true
    }

    /// Bytes in two pieces, as a socket may give them.
    @Sendable package static func frameStream(_ bytes: [UInt8]) -> Bool {
        var decoder = FrameDecoder(maximumFrameBytes: 4096)
        var accepted = false
        for piece in [bytes.prefix(bytes.count / 2), bytes.dropFirst(bytes.count / 2)] {
            decoder.append(Array(piece))
            while true {
                do throws(WireError) {
                    guard try decoder.next(Frame.self) != nil else { break }
                    accepted = true
                } catch {
                    if error.kind == .tooLarge { return accepted }
                }
            }
        }
        return accepted
    }

    @Sendable package static func modelReference(_ bytes: [UInt8]) -> Bool {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let reference = try? ModelReference(parsing: text) else { return false }
        guard (try? ModelReference(parsing: reference.description)) == reference else { fatalError("'\(text)'") }
        return true
    }
}
