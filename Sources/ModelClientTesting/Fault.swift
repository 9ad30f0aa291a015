public import ModelClient

/// Something that goes wrong with a call; see ``FakeModelServer/inject(_:model:times:)``.
public struct Fault: Sendable {
    enum Kind: Sendable {
        case failure(ModelClientError)
        case delay(Duration)
        case disconnect
        case cutAnswer
        case silence
        case garbage
    }

    var kind: Kind

    /// The server answers with a status instead.
    public static func failure(
        _ code: ModelClientError.Code,
        _ message: String = "injected",
        retryAfter: Duration? = nil
    ) -> Fault {
        Fault(kind: .failure(ModelClientError(code: code, message: message, retryAfter: retryAfter)))
    }

    /// The answer comes later.
    public static func delay(_ duration: Duration) -> Fault { Fault(kind: .delay(duration)) }

    /// The connection is closed instead of an answer. The client connects again and asks again.
    public static let disconnect = Fault(kind: .disconnect)

    /// The connection is closed in the middle of the answer. The client connects again and asks again.
    public static let cutAnswer = Fault(kind: .cutAnswer)

    /// No answer comes, so the caller's timeout passes.
    public static let silence = Fault(kind: .silence)

    /// The answer is none: its bytes are no message. The call fails with `ModelClientError.Code.internal`.
    public static let garbage = Fault(kind: .garbage)
}
