"""What the client does when a connection goes wrong, against a server in this process that does what each test says: what
modeld cannot be made to do at a given moment. The tests of modeld itself are in test_server.py."""

import os
import signal
import socket
import tempfile
import threading
import time
import unittest
import warnings

from distillery_client import Client, DistilleryError
from distillery_client._connection import Frame
from distillery_client._messages import make
from frames import Frames

HELLO = {"hello": {"protocol_version": 1, "max_frame_bytes": 16 << 20}}
UNAVAILABLE = 14


class Peer(Frames):
    """The server's end of one connection."""

    def greet(self):
        assert self.receive().hello.protocol_version == 1
        self.send(**HELLO)

    def request(self):
        return self.receive().request

    def answer(self, request, pid=0, **fields):
        """Answers a Status call, with a pid by which the test knows the answer."""
        payload = make("control.v1.StatusResponse", {"pid": pid}).SerializeToString()
        self.send(response={"stream_id": request.stream_id, "payload": payload, "end_of_stream": True, **fields})


class ConnectionTests(unittest.TestCase):
    def serve(self, *scripts):
        """Starts a server that runs a script per connection, in turn, and then closes it; returns a client."""
        folder = tempfile.TemporaryDirectory(prefix="distillery.", dir="/tmp")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(folder.name + "/s")
        listener.listen()
        self.failures, self.connections = [], 0

        def run():
            for script in scripts:
                accepted, _ = listener.accept()
                self.connections += 1
                with accepted:
                    accepted.settimeout(20)
                    try:
                        script(Peer(accepted))
                    except BaseException as error:
                        self.failures.append(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        client = Client(folder.name + "/s", timeout=20)

        def finish():
            client.close()
            thread.join(20)
            self.assertFalse(thread.is_alive(), "the client did not make all connections")
            self.assertEqual(self.failures, [])
            listener.close()
            folder.cleanup()

        self.addCleanup(finish)
        return client

    def fails(self, code, call, *arguments, **options):
        with self.assertRaises(DistilleryError) as caught:
            call(*arguments, **options)
        self.assertEqual(caught.exception.code, code, str(caught.exception))
        return caught.exception

    def test_frames_may_arrive_byte_by_byte_and_a_ping_is_answered(self):
        def script(peer):
            send = peer.socket.sendall
            peer.greet()
            request = peer.request()
            peer.send(ping={"id": 7})
            pong = peer.receive().ping
            assert (pong.id, pong.ack) == (7, True), pong
            answer = Frame(
                response={"stream_id": request.stream_id, "payload": b"\x18\x05", "end_of_stream": True}
            ).SerializeToString()
            for byte in len(answer).to_bytes(4, "big") + answer:
                send(bytes([byte]))

        self.assertEqual(self.serve(script).status()["pid"], 5)

    def test_after_go_away_the_next_call_connects_again(self):
        def leaving(peer):
            peer.greet()
            request = peer.request()
            peer.send(go_away={"reason": b"the server is shutting down"})
            peer.answer(request, pid=1)
            assert peer.receive() is None

        def next(peer):
            peer.greet()
            peer.answer(peer.request(), pid=2)

        client = self.serve(leaving, next)
        self.assertEqual([client.status()["pid"], client.status()["pid"]], [1, 2])

    def test_a_call_that_crosses_go_away_is_made_again(self):
        def leaving(peer):
            peer.greet()
            request = peer.request()
            peer.send(go_away={})
            peer.answer(request, status=UNAVAILABLE)

        def next(peer):
            peer.greet()
            peer.answer(peer.request(), pid=2)

        self.assertEqual(self.serve(leaving, next).status()["pid"], 2)

    def test_a_lost_call_is_made_once_more_and_no_more(self):
        def lost(peer):
            peer.greet()
            peer.request()

        def good(peer):
            peer.greet()
            peer.answer(peer.request(), pid=3)

        client = self.serve(lost, good, lost)
        self.assertEqual(client.status()["pid"], 3)
        # Now its connection has ended, and the next one does while it waits.
        error = self.fails("UNAVAILABLE", client.status)
        self.assertTrue(error.is_retryable)
        self.assertIn("was lost: ", error.message)

    def test_a_passed_deadline_cancels_and_keeps_the_connection(self):
        def silent(peer):
            peer.greet()
            peer.answer(peer.request())
            request = peer.request()
            assert 0 < request.timeout_microseconds <= 1_000_000, request
            assert peer.receive().cancel.stream_id == request.stream_id
            second = peer.request()
            peer.answer(request, pid=1)
            peer.answer(second, pid=2)
            assert peer.receive() is None

        client = self.serve(silent)
        client.status()
        began = time.monotonic()
        self.fails("DEADLINE_EXCEEDED", client.status, timeout=1)
        self.assertTrue(1 <= time.monotonic() - began < 10)
        self.assertEqual(client.status()["pid"], 2)
        self.assertEqual(self.connections, 1)

    def test_a_server_that_does_not_read_is_given_up(self):
        end = threading.Event()
        self.addCleanup(end.set)

        def deaf(peer):
            peer.greet()
            peer.answer(peer.request())
            end.wait(20)

        def good(peer):
            peer.greet()
            peer.answer(peer.request(), pid=2)

        client = self.serve(deaf, good)
        client.status()
        self.fails("DEADLINE_EXCEEDED", client.tokenize, "m", ["x" * (8 << 20)], timeout=0.2)
        end.set()
        self.assertEqual(client.status()["pid"], 2)

    def test_a_server_that_does_not_greet_is_given_up(self):
        error = self.fails("UNAVAILABLE", self.serve(lambda peer: peer.receive() and peer.receive()).status, timeout=1)
        self.assertIn("is modeld running?", error.message)

    def test_ctrl_c_ends_the_connection_and_so_the_call(self):
        def silent(peer):
            peer.greet()
            peer.request()
            os.kill(os.getpid(), signal.SIGINT)
            assert peer.receive() is None, "the connection is still there"

        client = self.serve(silent)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        self.addCleanup(signal.signal, signal.SIGINT, before)
        with self.assertRaises(KeyboardInterrupt):
            client.status()

    def test_close_fails_the_call_of_another_thread(self):
        def silent(peer):
            peer.greet()
            peer.request()
            threading.Thread(target=client.close).start()
            assert peer.receive() is None

        client = self.serve(silent)
        error = self.fails("UNAVAILABLE", client.status)
        self.assertEqual((error.message, error.is_retryable), ("the client has been closed", False))
        self.fails("UNAVAILABLE", client.status)

    def test_threads_take_turns(self):
        def script(peer):
            peer.greet()
            for _ in range(200):
                request = peer.request()
                peer.answer(request, pid=len(request.payload))
            assert peer.receive() is None

        client = self.serve(script)
        wrong = []

        def ask(verbose):
            for _ in range(25):
                if client.status(verbose=verbose)["pid"] != (2 if verbose else 0):
                    wrong.append(verbose)

        threads = [threading.Thread(target=ask, args=(number % 2 == 0,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        self.assertEqual(wrong, [])

    def test_a_forked_process_connects_anew(self):
        forked = threading.Event()

        def parent(peer):
            peer.greet()
            peer.answer(peer.request(), pid=1)
            forked.wait(20)
            peer.answer(peer.request(), pid=1)

        client = self.serve(parent)
        self.assertEqual(client.status()["pid"], 1)
        with warnings.catch_warnings():
            # Python warns of forks beside threads; the child's one thread touches nothing of theirs.
            warnings.simplefilter("ignore", DeprecationWarning)
            child = os.fork()
        if child == 0:
            # Nobody greets its connection; that it makes one is what is tested.
            try:
                client.status(timeout=0.1)
            except DistilleryError as error:
                os._exit(0 if "cannot connect" in error.message else 1)
            os._exit(2)
        _, status = os.waitpid(child, 0)
        forked.set()
        self.assertEqual(os.waitstatus_to_exitcode(status), 0)
        self.assertEqual(client.status()["pid"], 1)

    def test_what_is_not_the_protocol_is_said(self):
        def too_large(peer):
            peer.greet()
            peer.request()
            peer.socket.sendall(b"\xff\xff\xff\xff")

        def no_message(peer):
            peer.greet()
            peer.request()
            peer.socket.sendall(b"\0\0\0\2\xff\xff")

        def a_request(peer):
            peer.greet()
            peer.send(request=peer.request())

        client = self.serve(too_large, no_message, a_request)
        for what in ("more than 16777216 bytes", "no message", "(request)"):
            self.assertIn(what, self.fails("INTERNAL", client.status).message)

    def test_a_greeting_that_refuses_is_said(self):
        def other_version(peer):
            peer.receive()
            peer.send(hello={"protocol_version": 2})

        def refused(peer):
            peer.receive()
            peer.send(response={"status": 7, "message": b"not you", "end_of_stream": True})

        client = self.serve(other_version, refused)
        self.assertIn("version 2", self.fails("FAILED_PRECONDITION", client.status).message)
        self.assertEqual(self.fails("PERMISSION_DENIED", client.status).message, "not you")

    def test_a_request_beyond_the_servers_limit_is_not_sent(self):
        def small(peer):
            peer.receive()
            peer.send(hello={"protocol_version": 1, "max_frame_bytes": 1000})
            request = peer.request()
            assert request.method == b"control.v1.Control/Status", request
            peer.answer(request, pid=1)

        client = self.serve(small)
        error = self.fails("RESOURCE_EXHAUSTED", client.tokenize, "m", ["x" * 1000])
        self.assertFalse(error.is_retryable)
        self.assertEqual(client.status()["pid"], 1)

    def test_without_a_server(self):
        error = self.fails("UNAVAILABLE", Client("/tmp/distillery.none/s").status)
        self.assertTrue(error.is_retryable)
        self.assertEqual(
            error.message, "cannot connect to '/tmp/distillery.none/s': No such file or directory; is modeld running?"
        )

    def test_wrong_arguments_are_refused_before_anything_is_asked(self):
        client = Client("/tmp/distillery.none/s")
        for wrong, message, call in (
            (TypeError, "inputs: it is a list", lambda: client.classify("m", "one text")),
            (TypeError, "ignore_labels: it is a list", lambda: client.tag("m", ["a"], ignore_labels="O")),
            (TypeError, "has no field 'topk'; it has inputs, top_k", lambda: client.classify("m", ["a"], topk=1)),
            (ValueError, "truncation: 'cut' is none of", lambda: client.embed("m", ["a"], truncation="cut")),
            (ValueError, "input_ids: its rows", lambda: client.infer("m", {"input_ids": [[1, 2], [3, 4, 5], [6]]})),
        ):
            with self.assertRaises(wrong) as caught:
                call()
            self.assertIn(message, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
