package import Wire

/// The readers of bytes from a socket. Each takes any bytes and returns; true if it accepted them. What one accepts must
/// come back the same when it is written and read again.
package enum WireParsers {
    package static let all: [@Sendable ([UInt8]) -> Bool] = [
        { decode($0, as: Frame.self) },
        { decode($0, as: WorkerFrame.self) },
        { decode($0, as: ClassifyRequest.self) }, { decode($0, as: ClassifyResponse.self) },
        { decode($0, as: EmbedRequest.self) }, { decode($0, as: EmbedResponse.self) },
        { decode($0, as: FeaturesRequest.self) }, { decode($0, as: FeaturesResponse.self) },
        { decode($0, as: TokenizeRequest.self) }, { decode($0, as: TokenizeResponse.self) },
        { decode($0, as: TagTokensRequest.self) }, { decode($0, as: TagTokensResponse.self) },
        { decode($0, as: AnswerQuestionRequest.self) }, { decode($0, as: AnswerQuestionResponse.self) },
        { decode($0, as: FillMaskRequest.self) }, { decode($0, as: FillMaskResponse.self) },
        { decode($0, as: ZeroShotRequest.self) }, { decode($0, as: ZeroShotResponse.self) },
        { decode($0, as: RerankRequest.self) }, { decode($0, as: RerankResponse.self) },
        { decode($0, as: MultipleChoiceRequest.self) }, { decode($0, as: MultipleChoiceResponse.self) },
        { decode($0, as: InferRequest.self) }, { decode($0, as: InferResponse.self) },
        { decode($0, as: StatusRequest.self) }, { decode($0, as: StatusResponse.self) },
        { decode($0, as: WatchRequest.self) },
        { decode($0, as: ReloadRequest.self) }, { decode($0, as: ReloadResponse.self) },
        frameStream,
        modelReference,
    ]

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
