"""The one exception that a call raises, whoever found the failure."""

# gRPC's status codes by their numbers, which is how they travel.
CODES = (
    "OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS",
    "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED",
    "INTERNAL", "UNAVAILABLE", "DATA_LOSS", "UNAUTHENTICATED",
)


class DistilleryError(Exception):
    """A call failed. Arguments that have no place in a message raise TypeError or ValueError instead.

    code: the name of gRPC's status code, with gRPC's meaning: "INVALID_ARGUMENT".
    message: one sentence for people: what is wrong, and what to do.
    model: the model that the call named; None for status.
    retry_after: how many seconds the server asks to wait before the next try; None when it does not say.
    is_retryable: whether the same call may succeed later without a change.
    request_id: what the server's log calls the request; None when the log does not tell of it.
    """

    def __init__(self, code, message, model=None, retry_after=None, is_retryable=False, request_id=None):
        super().__init__(code, message, model, retry_after, is_retryable, request_id)
        self.code, self.message, self.model = code, message, model
        self.retry_after, self.is_retryable, self.request_id = retry_after, is_retryable, request_id

    def __str__(self):
        return f"{self.code}: {self.message}"

    @classmethod
    def of(cls, response, model=None):
        """The error of a Response whose status is not OK."""
        code = CODES[response.status] if response.status < len(CODES) else "UNKNOWN"
        return cls(
            code,
            response.message.decode() or "the server gave no reason",
            model,
            response.retry_after_microseconds / 1e6 or None,
            code in ("UNAVAILABLE", "RESOURCE_EXHAUSTED", "ABORTED"),
            response.request_id.decode() or None,
        )
