"""Runs contenders in turn, pass by pass, so that whatever the machine does meanwhile meets them all alike.

A contender is a process that answers lines (Sources/benchmarks/LineProtocol.swift, peer.py). Only the one whose turn it
is runs: the others are stopped with SIGSTOP, so that no thread pool that spins for a while takes a core from the next.
"""

import json
import os
import pathlib
import platform
import signal
import subprocess
import time


class Contender:
    """A process that takes part. It is stopped from when it is ready until it is asked something."""

    def __init__(self, label, command, cpus, environment=None):
        self.label = label
        self.process = subprocess.Popen(
            # A stopped process would outlive a driver that is killed.
            ["setpriv", "--pdeathsig", "KILL", "taskset", "-c", cpus, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        if self._line() != "ready":
            raise RuntimeError(f"{label}: it did not become ready")
        self._signal(signal.SIGSTOP)

    def ask(self, line):
        self._signal(signal.SIGCONT)
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self._line()
        self._signal(signal.SIGSTOP)
        if answer.startswith("error "):
            raise RuntimeError(f"{self.label}: {line}: {answer}")
        return answer

    def milliseconds(self, workload):
        return float(self.ask(f"run {workload}"))

    def close(self):
        self._signal(signal.SIGCONT)
        self.process.stdin.close()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _line(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.label}: it ended with status {self.process.wait()}")
        return line.strip()

    def _signal(self, number):
        if self.process.poll() is None:
            os.kill(self.process.pid, number)


class Contenders:
    """A list of contenders that is closed when the block ends."""

    def __init__(self):
        self.list = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for contender in self.list:
            contender.close()

    def add(self, *arguments, **named):
        contender = Contender(*arguments, **named)
        self.list.append(contender)
        return contender


def alternate(turns, seconds, least=3, between=None):
    """Times of each turn, in rounds A B C A B C … until `seconds` have passed, but `least` rounds.

    `turns` is a list of (contender, workload). The first round warms up and is not counted. `between` is called once a
    round; returns its values too.
    """
    times = [[] for _ in turns]
    values = []
    for contender, workload in turns:
        contender.milliseconds(workload)
    began = time.monotonic()
    while len(times[0]) < least or time.monotonic() - began < seconds:
        if between:
            values.append(between())
        for index, (contender, workload) in enumerate(turns):
            times[index].append(contender.milliseconds(workload))
    return times, values


def quantile(values, fraction):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * fraction))]


def summary(times):
    """Median and p99 (of less than 100 passes: the slowest), and how many passes."""
    return {"median_ms": quantile(times, 0.5), "p99_ms": quantile(times, 0.99), "passes": len(times)}


def machine():
    """The CPU's name, and the instruction sets that decide what these engines can do."""
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = set(facts.get("flags", "").split())
    known = ["avx2", "avx512f", "avx_vnni", "avx512_vnni", "avx512_bf16", "amx_int8", "amx_bf16"]
    return {
        "cpu": facts.get("model name", platform.machine()),
        "family": int(facts.get("cpu family", 0)),
        "cpus": len(os.sched_getaffinity(0)),
        "instruction_sets": [flag for flag in known if flag in flags],
    }


def remarks(machine):
    """What the machine's instruction sets mean for the figures, as sentences."""
    sets = machine["instruction_sets"]
    result = []
    if not any("vnni" in name or name == "amx_int8" for name in sets):
        result.append("This CPU has no VNNI: int8 products, the peers' and ours, are made of 16-bit multiply-adds.")
    if not any("bf16" in name for name in sets):
        result.append("This CPU has no bf16 arithmetic: bf16 is storage, and products are computed in fp32.")
    return result


RESULTS = pathlib.Path("ops/bench/results/results.json")


def load_results():
    return json.loads(RESULTS.read_text()) if RESULTS.exists() else {}


def store(section, key, value):
    """Puts a value into the file of results, beside those of other runs on the same kind of machine."""
    results = load_results()
    here = machine()
    if results.get("machine") != here:
        results = {"machine": here}
    results.setdefault(section, {})[key] = value
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
