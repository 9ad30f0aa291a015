"""What modeld answers to this client, and to frames that no client should send. The server is that of MODELD_SOCKET, and has
a model `encoder` without a head."""

import os
import signal
import socket
import threading
import time
import unittest

from distillery_client import Client, DistilleryError
from distillery_client._connection import Frame
from distillery_client._messages import make
from frames import Frames

TEXT = "café 東京 🙂"


class ServerTests(unittest.TestCase):
    def setUp(self):
        self.client = Client(timeout=20)
        self.addCleanup(self.client.close)

    def fails(self, code, message, call, *arguments, **options):
        with self.assertRaises(DistilleryError) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.code, code)
        self.assertTrue(caught.exception.message.startswith(message), caught.exception.message)
        return caught.exception

    def test_what_is_wrong_is_refused_by_name(self):
        error = self.fails("NOT_FOUND", "there is no model 'nope'", self.client.embed, "nope", [TEXT])
        self.assertEqual((error.model, error.is_retryable, error.retry_after), ("nope", False, None))
        self.assertIsNone(error.request_id)
        error = self.fails("INVALID_ARGUMENT", "inputs[1].text: ", self.client.embed, "encoder", ["a", ""])
        self.assertRegex(error.request_id, "^[0-9a-z]+-[0-9]+$")
        self.fails("INVALID_ARGUMENT", "inputs[0].text: ", self.client.embed, "encoder", [b"\xff"])
        self.fails("INVALID_ARGUMENT", "model: it is a BertModel", self.client.tag, "encoder", [TEXT])
        self.fails("INVALID_ARGUMENT", "truncation: ", self.client.embed, "encoder", [TEXT], truncation="windows")
        self.fails("RESOURCE_EXHAUSTED", "the request has ", self.client.embed, "encoder", ["x" * (17 << 20)])
        self.assertEqual(len(self.client.embed("encoder", [TEXT])), 1)

    def test_the_operators_calls(self):
        states = lambda: [(model["name"], model["drained"]) for model in self.client.status()["models"]]
        before = self.client.embed("encoder", [TEXT], priority=1)
        self.fails("INVALID_ARGUMENT", "the priority is 2", self.client.embed, "encoder", [TEXT], priority=2)
        self.assertEqual(self.client.drain("encoder"), ["encoder@1:fp32"])
        self.fails("UNAVAILABLE", "the model 'encoder' was drained", self.client.embed, "encoder", [TEXT])
        self.assertIn(("encoder", True), states())
        self.client.drain("encoder", undo=True)
        self.assertEqual(self.client.embed("encoder", [TEXT]), before)
        self.assertEqual([result["status"] for result in self.client.unload("encoder")], [0])
        self.fails("UNAVAILABLE", "the model 'encoder' is not loaded", self.client.embed, "encoder", [TEXT])
        self.assertEqual(self.client.status()["held"], ["encoder@1:fp32"])
        self.fails("UNAVAILABLE", "the model 'encoder' is not loaded", self.client.reload, "encoder")
        self.assertEqual([result["model"] for result in self.client.load("encoder")], ["encoder@1:fp32"])
        self.assertEqual([result["status"] for result in self.client.reload("encoder")], [0])
        self.assertEqual(self.client.reload("encoder", wait=False), [])
        self.assertEqual(self.client.embed("encoder", [TEXT]), before)
        self.fails("NOT_FOUND", "", self.client.unload, "nope")
        self.assertEqual(self.client.quarantine(), [])
        self.assertEqual(self.client.clear_quarantine(), 0)
        self.assertIsInstance(self.client.crashes(), list)

    def test_many_inputs_are_several_requests(self):
        texts = [f"{TEXT} {number}" for number in range(150)]
        self.assertEqual(self.client.embed("encoder", []), [])
        together = self.client.embed("encoder", texts)
        self.assertEqual(len(together), len(texts))
        for number in (0, 63, 64, 149):
            self.assertEqual(self.client.embed("encoder", [texts[number]]), [together[number]])

    def test_a_deadline_holds_while_the_worker_stands_still(self):
        before = self.client.embed("encoder", [TEXT])
        model = next(model for model in self.client.status()["models"] if model["name"] == "encoder")
        workers = [worker["pid"] for worker in model["workers"]]
        self.assertTrue(workers)
        for worker in workers:
            os.kill(worker, signal.SIGSTOP)
        try:
            began = time.monotonic()
            self.fails("DEADLINE_EXCEEDED", "", self.client.embed, "encoder", [TEXT], timeout=0.3)
            took = time.monotonic() - began
        finally:
            for worker in workers:
                os.kill(worker, signal.SIGCONT)
        self.assertGreaterEqual(took, 0.3)
        self.assertLess(took, 10)
        self.assertEqual(self.client.embed("encoder", [TEXT]), before)

    def test_threads_share_a_client(self):
        texts = [f"{TEXT} {number}" for number in range(6)]
        alone = self.client.embed("encoder", texts)
        wrong = []

        def ask(number):
            for _ in range(5):
                if self.client.embed("encoder", [texts[number]]) != [alone[number]]:
                    wrong.append(number)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(len(texts))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        self.assertEqual(wrong, [])

    # Frames that no client should send

    def frames(self, greet=True):
        connected = socket.socket(socket.AF_UNIX)
        self.addCleanup(connected.close)
        connected.settimeout(20)
        connected.connect(os.environ["MODELD_SOCKET"])
        frames = Frames(connected)
        if greet:
            frames.send(hello={"protocol_version": 1})
            hello = frames.receive().hello
            self.assertEqual((hello.protocol_version, hello.max_frame_bytes), (1, 16 << 20))
        return frames

    def response(self, frames, stream_id):
        response = frames.receive().response
        self.assertEqual((response.stream_id, response.end_of_stream), (stream_id, True))
        return response.status, response.message.decode()

    def embed(self, frames, stream_id):
        payload = make("inference.v1.EmbedRequest", {"inputs": [{"text": TEXT}]}).SerializeToString()
        frames.send(
            request={
                "stream_id": stream_id,
                "method": b"inference.v1.Inference/Embed",
                "model": b"encoder",
                "payload": payload,
            }
        )

    def test_refused_frames_keep_the_connection(self):
        frames = self.frames()
        frames.send(ping={"id": 1 << 63})
        self.assertEqual(frames.receive(), Frame(ping={"id": 1 << 63, "ack": True}))
        frames.socket.sendall(b"\0\0\0\3\xff\xff\xff")
        self.assertEqual(self.response(frames, 0)[0], 3)
        frames.send(request={"stream_id": 1 << 63, "method": b"inference.v1.Inference/Dance"})
        status, message = self.response(frames, 1 << 63)
        self.assertEqual(status, 12, message)
        self.assertIn("inference.v1.Inference/Embed, ", message)
        frames.send(request={"stream_id": 2, "method": b"inference.v1.Inference/Embed", "model": b"\xff"})
        self.assertEqual(self.response(frames, 2)[0], 3)
        # A field that the server does not know, as of a newer client.
        known = Frame(request={"stream_id": 3, "method": b"control.v1.Control/Status"}).SerializeToString()
        frames.socket.sendall((len(known) + 3).to_bytes(4, "big") + known + b"\xf8\x3f\x01")
        self.assertEqual(self.response(frames, 3)[0], 0)
        self.embed(frames, 4)
        self.assertEqual(self.response(frames, 4)[0], 0)

    def test_refused_connections_are_closed(self):
        for greet, send, code in (
            (False, lambda frames: frames.send(hello={"protocol_version": 99}), 9),
            (False, lambda frames: self.embed(frames, 1), 9),
            (True, lambda frames: frames.socket.sendall(b"\xff\xff\xff\xff"), 8),
            (True, lambda frames: frames.send(hello={"protocol_version": 1}), 3),
            (True, lambda frames: frames.send(response={"stream_id": 1}), 3),
        ):
            frames = self.frames(greet)
            send(frames)
            received = frames.receive()
            if received.WhichOneof("body") == "hello":
                received = frames.receive()
            self.assertEqual((received.response.stream_id, received.response.status), (0, code))
            self.assertEqual(frames.receive().WhichOneof("body"), "go_away")
            self.assertIsNone(frames.receive(), "the connection is still there")


if __name__ == "__main__":
    unittest.main()
