"""One socket to modeld, and the frames on it: each a `distillery.v1.Frame` behind its length, 4 bytes, big-endian."""

import os
import socket
import time

from google.protobuf.message import DecodeError

from . import __version__
from ._error import CODES, DistilleryError
from ._messages import message_class

Frame = message_class("distillery.v1.Frame")
Request = message_class("distillery.v1.Request")

PROTOCOL_VERSION = 1
# The bytes of the length that precedes each frame.
PREFIX_BYTES = 4
# The largest frame that this side accepts, in bytes.
MAX_FRAME_BYTES = 16 << 20
# How many seconds the greeting may take.
GREETING = 5.0
# How many seconds after its deadline a call that the server has is given up: the server's own answer comes first.
BACKSTOP = 0.25


def _framed(**body):
    """A frame behind its length."""
    frame = Frame(**body).SerializeToString()
    return len(frame).to_bytes(PREFIX_BYTES, "big") + frame


class Lost(Exception):
    """The socket could not be reached, or ended before the answer."""


class Connection:
    """One socket, for one call at a time.

    path: of the server's Unix socket.
    deadline: when to give up connecting, by the monotonic clock, as all deadlines here.
    """

    def __init__(self, path, deadline):
        # A process that forks must not share it with its children.
        self.process = os.getpid()
        # Whether another call may be made: not within a call, and not after one that left the two sides apart.
        self.is_usable = False
        self._path = path
        self._received = bytearray()
        self._peer_max_frame_bytes = MAX_FRAME_BYTES
        self._stream_id = 0
        deadline = min(deadline, time.monotonic() + GREETING)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._set_timeout(deadline)
            self._socket.connect(path)
            self._send(
                deadline,
                _framed(
                    hello={
                        "protocol_version": PROTOCOL_VERSION,
                        "software_version": f"distillery-client {__version__} (Python)".encode(),
                        "max_frame_bytes": MAX_FRAME_BYTES,
                    }
                ),
            )
            self._greeted(self._receive(deadline))
        except (Lost, OSError) as error:
            self.close()
            reason = getattr(error, "strerror", None) or str(error)
            raise Lost(f"cannot connect to '{path}': {reason}; is modeld running?") from error
        except BaseException:
            self.close()
            raise

    def _greeted(self, frame):
        kind = frame.WhichOneof("body")
        if kind == "response":
            raise DistilleryError.of(frame.response)
        if kind == "go_away":
            raise Lost(f"the server takes no connections ({frame.go_away.reason.decode()})")
        if kind != "hello":
            raise self._broken("the first frame is no Hello")
        if frame.hello.protocol_version != PROTOCOL_VERSION:
            raise DistilleryError(
                "FAILED_PRECONDITION",
                f"the server at '{self._path}' speaks version {frame.hello.protocol_version} of the protocol, and this "
                f"client version {PROTOCOL_VERSION}; use releases that belong together",
            )
        self._peer_max_frame_bytes = frame.hello.max_frame_bytes or MAX_FRAME_BYTES
        self.is_usable = True

    def call(self, request, deadline):
        """Sends a request, whose stream and timeout are set here, and waits for its Response, whatever its status.

        Raises Lost when the socket ends first: the call may be made again on another connection. Raises socket.timeout
        when the deadline passes, and the server is told to stop. Raises DistilleryError when the frame is larger than the
        server accepts, and when the server refuses the connection or breaks the protocol.
        """
        self._stream_id += 1
        request.stream_id = self._stream_id
        request.timeout_microseconds = max(1, int((deadline - time.monotonic()) * 1e6))
        frame = _framed(request=request)
        size, limit = len(frame) - PREFIX_BYTES, self._peer_max_frame_bytes
        if size > limit:
            raise DistilleryError(
                "RESOURCE_EXHAUSTED", f"the request has {size} bytes, and the server accepts {limit}; send less at once"
            )
        self.is_usable = False
        try:
            self._send(deadline, frame)
            response, is_going_away = self._answer(deadline + BACKSTOP)
        except socket.timeout:
            raise
        except (OSError, Lost) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Lost(f"the connection to '{self._path}' was lost: {reason}") from error
        self.is_usable = not is_going_away
        if is_going_away and response.status == CODES.index("UNAVAILABLE"):
            raise Lost("the request crossed the server's GoAway")
        return response

    def _answer(self, deadline):
        """The Response to the last request, and whether the server takes no more of them on this connection."""
        is_going_away = False
        while True:
            try:
                frame = self._receive(deadline)
            except socket.timeout:
                self._send(time.monotonic() + BACKSTOP, _framed(cancel={"stream_id": self._stream_id}))
                self.is_usable = not is_going_away
                raise
            kind = frame.WhichOneof("body")
            if kind == "response" and frame.response.stream_id == 0:
                raise DistilleryError.of(frame.response)
            if kind == "response":
                # Others are late answers to calls that were given up.
                if frame.response.stream_id == self._stream_id and frame.response.end_of_stream:
                    return frame.response, is_going_away
            elif kind == "ping":
                if not frame.ping.ack:
                    self._send(deadline, _framed(ping={"id": frame.ping.id, "ack": True}))
            elif kind == "go_away":
                is_going_away = True
            else:
                raise self._broken(f"it sent a frame that it may not send here ({kind})")

    def _send(self, deadline, frame):
        self._set_timeout(deadline)
        self._socket.sendall(frame)

    def _receive(self, deadline):
        while True:
            end = PREFIX_BYTES + int.from_bytes(self._received[:PREFIX_BYTES], "big")
            if end > PREFIX_BYTES + MAX_FRAME_BYTES:
                raise self._broken(f"it announced a frame of more than {MAX_FRAME_BYTES} bytes")
            if len(self._received) >= end:
                frame = bytes(self._received[PREFIX_BYTES:end])
                del self._received[:end]
                try:
                    return Frame.FromString(frame)
                except DecodeError:
                    raise self._broken("a frame is no message") from None
            self._set_timeout(deadline)
            arrived = self._socket.recv(1 << 18)
            if not arrived:
                raise Lost("the server closed it")
            self._received += arrived

    def _set_timeout(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise socket.timeout("timed out")
        self._socket.settimeout(left)

    def _broken(self, how):
        return DistilleryError("INTERNAL", f"the server at '{self._path}' broke the protocol: {how}")

    def interrupt(self):
        """Ends what another thread waits for on this connection."""
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # It has ended already.

    def close(self):
        self._socket.close()
