"""The comparison of servers: see ops/bench/served, which calls this."""

import argparse
import contextlib
import json
import os
import subprocess
import sys

import contest
import serving

# Ways to use two CPUs: workers, threads of each, texts at once. The best of a peer counts.
WAYS = [(2, 1, 1), (2, 1, 8), (1, 2, 8)]


def ask_ours(binaries, path, model, texts, connections, seconds):
    command = ["taskset", "-c", "0,1", f"{binaries}/modelctl", "bench", model, "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--file", texts, "--task", "classify", "--json", "--socket", path]
    answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return json.loads(answer.stdout.splitlines()[-1])


def ask_mosec(url, texts, connections, seconds):
    command = ["taskset", "-c", "0,1", "wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds}s", "--timeout", "60s", "--script", "ops/bench/posts.lua", url]
    answer = subprocess.run(command, env={**os.environ, "TEXTS": texts}, capture_output=True, text=True, check=True)
    return json.loads(answer.stdout.splitlines()[-1])


def middle(rounds):
    """Medians over the rounds."""
    keys = ["requests_per_second", "p50_ms", "p99_ms"]
    result = {key: contest.quantile([entry[key] for entry in rounds], 0.5) for key in keys}
    return {**result, "errors": sum(entry["errors"] for entry in rounds)}


def compare(arguments, precision, connections):
    with contextlib.ExitStack() as stack:
        _, path = stack.enter_context(serving.modeld(arguments.binaries, arguments.models, precision, "0-1", 1))
        sides = {}
        model = f"distilbert-base:{precision}"
        sides["distillery"] = lambda: ask_ours(
            arguments.binaries, path, model, arguments.texts, connections, arguments.seconds
        )
        for index, (peer, (workers, threads, batch)) in enumerate(
            (peer, way) for peer in arguments.peers.split(",") for way in WAYS
        ):
            _, url = stack.enter_context(
                serving.mosec(
                    sys.executable, arguments.models, peer, precision, "0-1", workers, threads, batch, 18000 + index
                )
            )
            label = f"mosec + {peer}, {workers} × {threads} threads, up to {batch} texts"
            sides[label] = lambda url=url: ask_mosec(url, arguments.texts, connections, arguments.seconds)
        rounds = {label: [] for label in sides}
        for _ in range(arguments.rounds):
            for label, ask in sides.items():
                rounds[label].append(ask())
    results = {label: middle(entries) for label, entries in rounds.items()}
    for label, entry in results.items():
        print(
            f"{precision} {connections:3} connections  {label:55} {entry['requests_per_second']:7.1f}/s  "
            f"p50 {entry['p50_ms']:7.1f} ms  p99 {entry['p99_ms']:7.1f} ms  {entry['errors']} errors",
            flush=True,
        )
    ours = results.pop("distillery")
    name, best = max(results.items(), key=lambda item: item[1]["requests_per_second"])
    text = (
        f"{ours['requests_per_second']:.1f} requests/s, p50 {ours['p50_ms']:.0f} ms, p99 {ours['p99_ms']:.0f} ms; the best "
        f"peer ({name}) {best['requests_per_second']:.1f} requests/s, p50 {best['p50_ms']:.0f} ms, p99 "
        f"{best['p99_ms']:.0f} ms: {ours['requests_per_second'] / best['requests_per_second']:.2f} times the requests"
    )
    contest.store(
        "served, real texts of mixed length, two CPUs",
        f"{precision}, {connections} connections",
        {"text": text, "distillery": ours, "peers": results},
    )
    print(text)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench/served")
    parser.add_argument("binaries")
    parser.add_argument("models")
    parser.add_argument("texts")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--peers", default="openvino")
    parser.add_argument("--connections", default="16,64")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=8)
    arguments = parser.parse_args()
    for line in contest.remarks(contest.machine()):
        print(f"# {line}")
    for precision in arguments.precision.split(","):
        for connections in map(int, arguments.connections.split(",")):
            compare(arguments, precision, connections)


main()
