"""The calls: one method per task."""

import os
import socket as sockets
import threading
import time

from ._connection import Connection, Lost, Request
from ._error import DistilleryError
from ._messages import make, message_class, plain

STANDARD_SOCKET = "/run/modeld/modeld.sock"
# The longest timeout, in seconds: what poll() takes.
LONGEST = 2e6


class Client:
    """A connection to modeld, made by the first call and made again when it was lost.

        with Client() as client:
            client.classify("sst2", ["I love this"])[0]["scores"]   # [{"label": "POSITIVE", "score": 0.9998…}]

    model: "name", "name@2", "name:int8" or "name@2:int8".
    timeout: how many seconds a call may take, the wait for its turn included; the client's when it is None. The server
        enforces it too, and a call that is given up is cancelled there.
    options: the other fields of the task's request in proto/inference/v1/inference.proto, by their names; enums by their
        values' names, as in truncation="windows". What is not given is the server's default.
    priority: of a task's call beside the other calls of this client's user: -1, 0 or 1.
    Answers are the messages of that file as dicts, one per input. Offsets count characters of the text, as Python does.

    Every call raises DistilleryError when it fails, and does not wait for a server that is not there. A call whose
    connection was lost is made once more, for an answer changes nothing on the server; but those that load or unload are not.

    Threads may share a client: their calls take turns. For several calls at once, which the server computes together,
    use one client per thread. A process that was forked, while no call was under way, connects anew.

    socket: the path of modeld's socket; None: that in MODELD_SOCKET, else /run/modeld/modeld.sock.
    """

    def __init__(self, socket=None, timeout=30.0):
        self._path = socket or os.environ.get("MODELD_SOCKET") or STANDARD_SOCKET
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connection = None
        self._is_closed = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Disconnects. A call that another thread waits for fails."""
        self._is_closed = True
        connection = self._connection
        if connection:
            connection.interrupt()
        with self._lock:
            self._drop()

    def status(self, verbose=False, timeout=None):
        """State, models and workers of the server: control.v1.StatusResponse. `verbose` adds memory."""
        return self._control("Status", {"verbose": verbose}, timeout)

    def metrics(self, timeout=None):
        """What the server counts and measures, in Prometheus' text format 0.0.4."""
        return self._control("Metrics", {}, timeout)["text"]

    def crashes(self, timeout=None):
        """The last deaths of workers, at most 100, the last first: control.v1.Crash each."""
        return self._control("CrashList", {}, timeout)["crashes"]

    def quarantine(self, timeout=None):
        """The requests that have ended two workers, and are refused when they come again: control.v1.QuarantinedRequest."""
        return self._control("QuarantineList", {}, timeout)["requests"]

    def clear_quarantine(self, model="", timeout=None):
        """Lets requests to a model, or to all, be computed again; gives how many were refused until now."""
        return self._control("QuarantineClear", {"model": model}, timeout)["cleared"]

    def reload(self, model="", *, wait=True, timeout=None):
        """Loads a model, or all, anew from the model repository: control.v1.ReloadResult of each when all is done. Without
        `wait` it returns when that has begun, with what could not begin. A result's "status" is 0 where all went well."""
        return self._control("Reload", {"model": model, "no_wait": not wait}, timeout, is_pure=False)["results"]

    def load(self, model, timeout=None):
        """Loads what is not loaded of a model: control.v1.ReloadResult of each version and variant."""
        return self._control("Load", {"model": model}, timeout, "Reload", is_pure=False)["results"]

    def unload(self, model, timeout=None):
        """Unloads a model until `load` or a start of the server: control.v1.ReloadResult of each version and variant."""
        return self._control("Unload", {"model": model}, timeout, "Reload", is_pure=False)["results"]

    def drain(self, model="", *, undo=False, timeout=None):
        """Makes a model, or the whole server, take no new requests, or with `undo` take them again; gives the models."""
        return self._control("Drain", {"model": model, "undo": undo}, timeout)["models"]

    def classify(self, model, inputs, *, timeout=None, **options):
        """Labels of texts, or of pairs (text, second text): the best one, or as `top_k` and `all_labels` say."""
        return self._each("Classify", model, "inputs", _texts(inputs), timeout, options)

    def embed(self, model, inputs, *, timeout=None, **options):
        """A vector of each text, or pair, in "values"."""
        return self._each("Embed", model, "inputs", _texts(inputs), timeout, options)

    def features(self, model, inputs, *, timeout=None, **options):
        """The last hidden state of each text, or pair: in "values", row by row, "tokens" rows of "hidden" values."""
        # Their answers fit a frame of 16 MiB with 768 dimensions and 512 tokens each.
        return self._each("Features", model, "inputs", _texts(inputs), timeout, options, at_once=8)

    def tokenize(self, model, inputs, *, timeout=None, **options):
        """The tokens of texts, or pairs: "ids", "starts", "ends" and more, one entry per token."""
        return self._each("Tokenize", model, "inputs", _texts(inputs), timeout, options)

    def tag(self, model, texts, *, timeout=None, **options):
        """The "entities" of texts."""
        return self._each("TagTokens", model, "texts", _listed("texts", texts), timeout, options)

    def answer(self, model, inputs, *, timeout=None, **options):
        """The "answers" to pairs (question, context), best first. An empty one says that the context has none."""
        questions = [{"question": question, "context": context} for question, context in _listed("inputs", inputs)]
        return self._each("AnswerQuestion", model, "inputs", questions, timeout, options)

    def fill_mask(self, model, texts, *, timeout=None, **options):
        """What may stand in the place of each [MASK] of texts: "tokens" of its "masks", best first."""
        return self._each("FillMask", model, "texts", _listed("texts", texts), timeout, options)

    def zero_shot(self, model, texts, labels, *, timeout=None, **options):
        """Which of the labels, that the model was not trained for, fit texts: "scores", best first."""
        options["labels"] = _listed("labels", labels)
        at_once = max(1, 64 // max(1, len(labels)))
        return self._each("ZeroShot", model, "texts", _listed("texts", texts), timeout, options, at_once)

    def rerank(self, model, query, texts, *, timeout=None, **options):
        """How well texts answer a query: a "score" each, in the order of the texts."""
        options["query"] = query
        return self._each("Rerank", model, "texts", _listed("texts", texts), timeout, options)

    def multiple_choice(self, model, inputs, *, timeout=None, **options):
        """Which choice goes with a text, of pairs (text, choices): "scores" in the order of the choices."""
        choices = [{"text": text, "choices": choices} for text, choices in _listed("inputs", inputs)]
        return self._each("MultipleChoice", model, "inputs", choices, timeout, options, at_once=16)

    def infer(self, model, inputs, outputs=(), *, timeout=None, priority=0):
        """Raw tensors. Takes a dict of nested lists, or NumPy arrays, of int64 or float32 by their names (input_ids,
        attention_mask, token_type_ids), and gives a dict of nested lists."""
        fields = {"inputs": [_tensor(name, values) for name, values in inputs.items()], "outputs": list(outputs)}
        answer = self._call("inference.v1.Inference/Infer", model, self._deadline(timeout), fields, priority=priority)
        return {
            tensor["name"]: _nested(tensor["float_data"] or tensor["int64_data"], tensor["shape"])
            for tensor in answer["outputs"]
        }

    def _each(self, task, model, field, inputs, timeout, options, at_once=64):
        """One result per input, from one request after the other, each of at most `at_once` inputs."""
        deadline = self._deadline(timeout)
        priority = options.pop("priority", 0)
        results = []
        for start in range(0, len(inputs), at_once):
            part = inputs[start : start + at_once]
            fields = {field: part, **options}
            answer = self._call("inference.v1.Inference/" + task, model, deadline, fields, priority=priority)["results"]
            if len(answer) != len(part):
                message = f"the server's answer has {len(answer)} results for {len(part)} inputs"
                raise DistilleryError("INTERNAL", message, model)
            results += answer
        return results

    def _deadline(self, timeout):
        return time.monotonic() + min(self._timeout if timeout is None else timeout, LONGEST)

    def _control(self, call, fields, timeout, answer=None, is_pure=True):
        return self._call("control.v1.Control/" + call, "", self._deadline(timeout), fields, answer, is_pure)

    def _call(self, method, model, deadline, fields, answer=None, is_pure=True, priority=0):
        package, _, name = method.replace("Inference/", "").replace("Control/", "").rpartition(".")
        payload = make(f"{package}.{name}Request", fields).SerializeToString()
        request = Request(method=method.encode(), model=model.encode(), payload=payload, priority=priority)
        try:
            response = self._exchange(request, deadline, is_pure)
        except Lost as error:
            raise DistilleryError("UNAVAILABLE", str(error), model or None, is_retryable=True) from error
        except sockets.timeout:
            raise DistilleryError("DEADLINE_EXCEEDED", "no answer came within the timeout", model or None) from None
        if response.status:
            raise DistilleryError.of(response, model or None)
        return plain(message_class(f"{package}.{answer or name}Response").FromString(response.payload))

    def _exchange(self, request, deadline, is_pure):
        if not self._lock.acquire(timeout=max(0, deadline - time.monotonic())):
            raise sockets.timeout
        try:
            try:
                return self._connected(deadline).call(request, deadline)
            except Lost:
                self._drop()
                if not is_pure:
                    raise
                return self._connected(deadline).call(request, deadline)
        finally:
            # Also when the caller gives up, as by Ctrl-C: the server cancels the calls of a connection that ends.
            if self._connection and not self._connection.is_usable:
                self._drop()
            self._lock.release()

    def _connected(self, deadline):
        if self._connection and self._connection.process != os.getpid():
            self._drop()
        if self._is_closed:
            raise DistilleryError("UNAVAILABLE", "the client has been closed")
        if not self._connection:
            self._connection = Connection(self._path, deadline)
        return self._connection

    def _drop(self):
        connection, self._connection = self._connection, None
        if connection:
            connection.close()


def _listed(name, values):
    if isinstance(values, (str, bytes)):
        raise TypeError(f"{name}: it is a list, and was given a single text")
    return list(values)


def _texts(inputs):
    return [_text(value) for value in _listed("inputs", inputs)]


def _text(value):
    if isinstance(value, (str, bytes)):
        return {"text": value}
    text, pair = value
    return {"text": text, "text_pair": pair, "has_pair": True}


def _tensor(name, values):
    values = values.tolist() if hasattr(values, "tolist") else values
    shape, row = [], values
    while isinstance(row, (list, tuple)):
        shape.append(len(row))
        row = row[0] if row else None
    flat = _flat(name, values, shape)
    if any(isinstance(value, float) for value in flat):
        return {"name": name, "type": "float32", "shape": shape, "float_data": flat}
    return {"name": name, "type": "int64", "shape": shape, "int64_data": flat}


def _flat(name, values, shape):
    if not shape:
        return [values]
    if not isinstance(values, (list, tuple)) or len(values) != shape[0]:
        raise ValueError(f"{name}: its rows have different lengths")
    return [value for row in values for value in _flat(name, row, shape[1:])]


def _nested(values, shape):
    if len(shape) < 2:
        return values
    size = len(values) // max(1, shape[0])
    return [_nested(values[row * size : (row + 1) * size], shape[1:]) for row in range(shape[0])]
