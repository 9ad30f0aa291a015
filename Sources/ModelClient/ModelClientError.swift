package import Messages
import Wire

/// Why a call failed.
///
/// Two things are not errors: a text that was truncated because truncation was asked for, and an answer with a low score.
public struct ModelClientError: Error, Sendable {
    /// What kind of failure it is: gRPC's status codes, with gRPC's meanings.
    public struct Code: Hashable, Sendable, CustomStringConvertible {
        package let status: StatusCode

        package init(_ status: StatusCode) {
            self.status = status
        }

        /// gRPC's spelling, as in `INVALID_ARGUMENT`.
        public var description: String { status.name }

        /// The task was cancelled; the server was told. Do not retry.
        public static let cancelled = Code(.cancelled)
        /// The server reported a failure without a known code. Do not retry.
        public static let unknown = Code(.unknown)
        /// The request is wrong whatever the server's state: a text that is too long, a model that lacks the task (the message
        /// lists those that it has), a bad model reference. The message names the field. Do not retry; change the request.
        public static let invalidArgument = Code(.invalidArgument)
        /// The timeout passed. The answer may have been computed. Retry only with a longer timeout, or when the server is less
        /// busy.
        public static let deadlineExceeded = Code(.deadlineExceeded)
        /// The server has no such model, version or variant. Do not retry; see ``ModelClient/waitForReady(_:timeout:)``.
        public static let notFound = Code(.notFound)
        /// What was to be made exists. Do not retry.
        public static let alreadyExists = Code(.alreadyExists)
        /// The server does not let this user do that. Do not retry.
        public static let permissionDenied = Code(.permissionDenied)
        /// A queue is full, or there is more to do than the timeout leaves time for: retry after ``ModelClientError/retryAfter``.
        /// Of origin ``ModelClientError/Origin/client``, a request is too large for a frame: do not retry, send less at once.
        public static let resourceExhausted = Code(.resourceExhausted)
        /// The server's state forbids it: the request killed workers and is quarantined, or the two sides speak different
        /// versions of the protocol. Do not retry before that has changed.
        public static let failedPrecondition = Code(.failedPrecondition)
        /// Another operation was in the way, such as a second reload. Retry when that is over.
        public static let aborted = Code(.aborted)
        /// A value is beyond its range. Do not retry; change the request.
        public static let outOfRange = Code(.outOfRange)
        /// The server does not know the method: it is older than this library. Do not retry.
        public static let unimplemented = Code(.unimplemented)
        /// One side broke the protocol, or the server has a fault. Do not retry; report it.
        public static let `internal` = Code(.internal)
        /// No server, no worker, or the client has been shut down. Retry with a growing delay, unless the client was shut down
        /// (``ModelClientError/isRetryable`` tells). The client has tried again by itself for as long as the timeout let it.
        public static let unavailable = Code(.unavailable)
        /// Data is damaged: a checkpoint whose checksum differs. Do not retry.
        public static let dataLoss = Code(.dataLoss)
        /// The server asks for credentials. Do not retry.
        public static let unauthenticated = Code(.unauthenticated)
    }

    /// Who found the failure.
    public struct Origin: Hashable, Sendable, CustomStringConvertible {
        /// `server`, `client` or `connection`.
        public let description: String

        /// The server answered with it.
        public static let server = Origin(description: "server")
        /// This library found it, without the server: a passed deadline, a cancelled task, a client that was shut down.
        public static let client = Origin(description: "client")
        /// The socket could not be reached, was lost, or carried something that is not the protocol.
        public static let connection = Origin(description: "connection")
    }

    /// What kind of failure it is.
    public var code: Code
    /// One sentence for people: what is wrong, and where it can be said, what to do.
    public var message: String
    /// Who found it.
    public var origin: Origin
    /// The model that the call named; nil for the operator's calls.
    public var model: String?
    /// What the server's log calls the request: the caller's name, or the one that the server made. Nil when neither gave it one,
    /// as when the request never reached a model.
    public var requestID: String?
    /// Whether the same call may succeed later without a change. Retry after `retryAfter`, else with a growing delay.
    public var isRetryable: Bool
    /// How long the server asks to wait before the next try.
    public var retryAfter: Duration?
    /// The error underneath, such as a failed connect.
    public var cause: (any Error)?

    /// Makes an error, as a test double does.
    public init(
        code: Code,
        message: String,
        origin: Origin = .client,
        model: String? = nil,
        requestID: String? = nil,
        isRetryable: Bool = false,
        retryAfter: Duration? = nil,
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.origin = origin
        self.model = model
        self.requestID = requestID
        self.isRetryable = isRetryable
        self.retryAfter = retryAfter
        self.cause = cause
    }
}

extension ModelClientError: CustomStringConvertible {
    /// The code, the message, the request where the server's log says more of it, and the causes, each said once.
    public var description: String {
        var text = "\(code): \(message)\(requestNote)"
        var next = cause
        while let error = next {
            let reason = (error as? ModelClientError)?.message ?? "\(error)"
            if !text.contains(reason) { text += " (\(reason))" }
            next = (error as? ModelClientError)?.cause
        }
        return text
    }

    /// ` (request 1jx0fe-17)`, where the server's log says more of the failure than its message; else empty.
    package var requestNote: String {
        let told: Set<Code> = [.internal, .unknown, .dataLoss, .unavailable, .failedPrecondition, .deadlineExceeded]
        guard let requestID, origin == .server, told.contains(code) else { return "" }
        return " (request \(requestID))"
    }
}

extension ModelClientError {
    /// A response whose status is not OK.
    init(_ response: Response) {
        let retryable: Set<StatusCode> = [.unavailable, .resourceExhausted, .aborted]
        let retryAfter = response.retryAfterMicroseconds
        self.init(
            code: Code(response.status),
            message: response.message.isEmpty ? "the server gave no reason" : response.message,
            origin: .server,
            requestID: response.requestID.isEmpty ? nil : response.requestID,
            isRetryable: retryable.contains(response.status),
            retryAfter: retryAfter == 0 ? nil : .microseconds(Int64(clamping: retryAfter))
        )
    }

    /// The caller's task was cancelled.
    static func cancelled(model: String? = nil) -> ModelClientError {
        let message = "the task was cancelled"
        return ModelClientError(code: .cancelled, message: message, model: model, cause: CancellationError())
    }

    /// A payload that cannot be read.
    init(badPayload error: WireError, of response: Response, model: String) {
        self.init(
            code: .internal,
            message: "the server's answer cannot be read: \(error.message)",
            origin: .connection,
            model: model.isEmpty ? nil : model,
            requestID: response.requestID.isEmpty ? nil : response.requestID
        )
    }

    /// What a caller's closure came to.
    static func result<Value: Sendable>(of body: () async throws -> Value) async -> Result<Value, ModelClientError> {
        do {
            return .success(try await body())
        } catch let error as ModelClientError {
            return .failure(error)
        } catch is CancellationError {
            return .failure(.cancelled())
        } catch {
            let message = "the caller's closure failed: \(error)"
            return .failure(ModelClientError(code: .unknown, message: message, cause: error))
        }
    }
}
