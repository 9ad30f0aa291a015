"""What the tests of both sides have in common."""

from distillery_client._connection import Frame


class Frames:
    """Frames over a connected socket, whoever the other side is, and whatever it should not be sent."""

    def __init__(self, connected):
        self.socket = connected

    def send(self, **body):
        frame = Frame(**body).SerializeToString()
        self.socket.sendall(len(frame).to_bytes(4, "big") + frame)

    def receive(self):
        """The next frame; None at the end."""
        size = self._exactly(4)
        data = size and self._exactly(int.from_bytes(size, "big"))
        return None if data is None else Frame.FromString(data)

    def _exactly(self, count):
        data = b""
        while len(data) < count:
            more = self.socket.recv(count - len(data))
            if not more:
                return None
            data += more
        return data
