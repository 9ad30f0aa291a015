"""Servers that are measured: ours, and mosec with a peer's engine in it."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import time
import urllib.request


@contextlib.contextmanager
def modeld(binaries, models, precision, cpus, threads):
    """A server of ours on `cpus`, a worker for each `threads` of them. Gives its process and its socket's path."""
    configuration = pathlib.Path(models) / "distilbert-base/config.yaml"
    configuration.write_text(f"variants: [{precision}]\n")
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/modeld.sock"
        command = ["taskset", "-c", cpus, "setpriv", "--pdeathsig", "TERM", f"{binaries}/modeld", "--socket", path]
        command += ["--model-repository", models, "--cache-dir", f"{models}/../packs", "--log-level", "warning"]
        command += ["--cpus", cpus, "--threads-per-worker", str(threads)]
        with subprocess.Popen(command) as process:
            try:
                wait(lambda: ready(binaries, path), process, "modeld")
                yield process, path
            finally:
                stop(process)


def status(binaries, path):
    """The server's status, or None when it does not answer."""
    answer = subprocess.run(
        [f"{binaries}/modelctl", "status", "--json", "--socket", path], capture_output=True, text=True
    )
    return json.loads(answer.stdout) if answer.returncode == 0 else None


def ready(binaries, path):
    models = (status(binaries, path) or {}).get("models")
    return models and all(model["state"] == "READY" for model in models)


@contextlib.contextmanager
def mosec(python, models, peer, precision, cpus, workers, threads, batch, port):
    """mosec with a peer's engine on `cpus`. Gives its process and the URL to post to."""
    environment = {
        **os.environ,
        "PEER": peer,
        "PRECISION": precision,
        "MODELS": models,
        "WORKERS": str(workers),
        "THREADS": str(threads),
        "BATCH": str(batch),
        "OMP_NUM_THREADS": str(threads),
    }
    with tempfile.TemporaryDirectory() as folder:
        command = ["taskset", "-c", cpus, "setpriv", "--pdeathsig", "TERM", python, "ops/bench/mosec_peer.py"]
        # Requests wait in the queue, as they do in ours, instead of being refused.
        command += ["--timeout", "60000", "--log-level", "error", "--path", f"{folder}/ipc"]
        command += ["--address", "127.0.0.1", "--port", str(port)]
        with subprocess.Popen(command, env=environment, start_new_session=True) as process:
            url = f"http://127.0.0.1:{port}/inference"
            try:
                wait(lambda: answers(url), process, "mosec")
                yield process, url
            finally:
                stop(process)


def answers(url):
    request = urllib.request.Request(url, b'{"inputs": "is it there?"}', {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as response:
            return response.status == 200
    except OSError:
        return False


def wait(condition, process, name):
    deadline = time.monotonic() + 120
    while not condition():
        if process.poll() is not None:
            raise RuntimeError(f"{name} ended before it was ready, with status {process.returncode}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"{name} was not ready after two minutes")
        time.sleep(0.1)


def stop(process):
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
