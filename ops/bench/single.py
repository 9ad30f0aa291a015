"""The comparisons that are one figure each: see ops/bench/tokenizer, start, call, neighbour and memory, which call this."""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile

import contest
import serving


def peer(name, precision, threads, models, path):
    return [sys.executable, "ops/bench/peer.py", name, precision, str(threads), models, str(path)]


def race(contenders, workload, seconds):
    """Summaries of contenders that run the same workload in turn."""
    times, _ = contest.alternate([(contender, workload) for contender in contenders], seconds)
    return {contender.label: contest.summary(values) for contender, values in zip(contenders, times)}


def worded(entry, name="distillery"):
    """The medians of a race, and how many times ours the others take."""
    ours = entry[name]["median_ms"]
    others = [f"{k} {v['median_ms']:.2f} ms ({v['median_ms'] / ours:.2f} times)" for k, v in entry.items() if k != name]
    return f"{name} {ours:.2f} ms; {', '.join(others)}; medians of {entry[name]['passes']}"


def tokenizer(a):
    folder = f"{a.models}/../../models/minilm/1"
    with contest.Contenders() as contenders:
        ours = contenders.add("distillery", [f"{a.binaries}/benchmarks", "tokenizer-contender", folder, a.texts], "0")
        theirs = contenders.add("tokenizers", peer("tokenizers", "-", 1, folder, a.texts), "0")
        ids = json.loads(ours.ask("answer"))
        if ids != json.loads(theirs.ask("answer")):
            sys.exit("the ids differ")
        entry = race(contenders.list, "", a.seconds)
    tokens = sum(map(len, ids))
    rate = tokens / entry["distillery"]["median_ms"] * 1e-3
    entry["text"] = f"{worded(entry)}; {len(ids)} texts, {tokens} tokens, all ids equal; ours {rate:.2f} M tokens/s"
    contest.store("tokenizer, one thread", "real texts of mixed length", entry)
    print(entry["text"])


def start(a):
    with contest.Contenders() as contenders:
        command = [f"{a.binaries}/benchmarks", "start-contender", f"{a.models}/distilbert-base/1"]
        command += [f"{a.binaries}/modelworker", "--variant", a.precision, "--threads", str(a.threads)]
        cpus = f"0-{a.threads - 1}"
        ours = contenders.add("distillery", command, cpus)
        for name in ("onnxruntime", "openvino"):
            contenders.add(name, peer(f"{name}-start", a.precision, a.threads, a.models, "-"), cpus)
        entry = race(contenders.list, "", a.seconds)
        load, megabytes = float(ours.ask("load")), int(ours.ask("bytes")) / 1e6
    entry["text"] = (
        f"{worded(entry)}; of ours, {load:.0f} ms are from the arrival of the pack to ready, the rest is the start of the "
        f"process; pack of {megabytes:.0f} MB"
    )
    contest.store("start: worker process to ready, and creating a session", a.precision, entry)
    print(entry["text"])


def call(a):
    words = "the news of the day was good and people in town were happy about it all".split()
    cpus = f"0-{a.threads - 1}"
    from tokenizers import BertWordPieceTokenizer

    encode = BertWordPieceTokenizer(f"{a.models}/distilbert-base/1/vocab.txt", lowercase=True)
    texts = {f"1x{n}": " ".join((words * n)[: n - 2]) for n in (16, 128)}
    ids = {name: [[encode.encode(text).ids]] for name, text in texts.items()}
    for name, [[sequence]] in ids.items():
        assert len(sequence) == int(name[2:])
    with tempfile.TemporaryDirectory() as folder, contest.Contenders() as contenders:
        (path := pathlib.Path(folder) / "texts.json").write_text(json.dumps(texts))
        (work := pathlib.Path(folder) / "workloads.json").write_text(json.dumps(ids))
        with serving.modeld(a.binaries, a.models, a.precision, cpus, a.threads) as (_, socket):
            command = [f"{a.binaries}/benchmarks", "call-contender", socket, f"distilbert-base:{a.precision}", str(path)]
            contenders.add("distillery", command, cpus)
            contenders.add("onnxruntime", peer("onnxruntime", a.precision, a.threads, a.models, work), cpus)
            for name in texts:
                entry = race(contenders.list, name, a.seconds)
                entry["text"] = worded(entry)
                key = f"{a.precision}, {a.threads} thread{'s' if a.threads > 1 else ''}, {name}"
                contest.store("call over the socket, and ONNX Runtime in the client's process", key, entry)
                print(f"{key}: {entry['text']}")


@contextlib.contextmanager
def busy_loops(count):
    """`count` programs that want all of a CPU, each on one of its own: the last CPU first, where the second thread runs."""
    loops = [
        subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "taskset", "-c", str(1 - i), "sh", "-c", "while :; do :; done"])
        for i in range(count)
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def neighbour(a):
    """Requests/s and p99 of one connection, alone and with a busy loop on one and on both of two CPUs."""
    words = "the news of the day was good and people in town were happy about it all".split()
    text = " ".join(words[:14])
    from tokenizers import BertWordPieceTokenizer

    encode = BertWordPieceTokenizer(f"{a.models}/distilbert-base/1/vocab.txt", lowercase=True)
    ids = encode.encode(text).ids
    assert len(ids) == 16
    with tempfile.TemporaryDirectory() as folder, contest.Contenders() as contenders:
        (path := pathlib.Path(folder) / "texts.json").write_text(json.dumps({"1x16": text}))
        (work := pathlib.Path(folder) / "workloads.json").write_text(json.dumps({"1x16": [[ids]]}))
        with serving.modeld(a.binaries, a.models, a.precision, "0-1", 2) as (_, socket):
            command = [f"{a.binaries}/benchmarks", "call-contender", socket, f"distilbert-base:{a.precision}", str(path)]
            contenders.add("distillery", command, "0-1")
            for name in ("openvino", "onnxruntime"):
                if a.precision in ("fp32", "int8") or name == "openvino":
                    contenders.add(name, peer(name, a.precision, 2, a.models, work), "0-1")
            rates, tails = {}, {}
            for _ in range(a.rounds):
                for loops in (0, 1, 2):
                    for contender in contenders.list:
                        contender.milliseconds("1x16")
                        with busy_loops(loops):
                            times = json.loads(contender.ask(f"repeat 1x16 {a.seconds}"))
                        rates.setdefault((contender.label, loops), []).append(1e3 * len(times) / sum(times))
                        tails.setdefault((contender.label, loops), []).append(contest.quantile(times, 0.99))
    entry, lines = {}, []
    for label in [contender.label for contender in contenders.list]:
        rate = [contest.quantile(rates[label, loops], 0.5) for loops in (0, 1, 2)]
        tail = [contest.quantile(tails[label, loops], 0.5) for loops in (0, 1, 2)]
        entry[label] = {"requests_per_second": rate, "p99_ms": tail}
        lines.append(
            f"{label} {rate[0]:.0f}/s (p99 {tail[0]:.1f} ms), with one {rate[1]:.0f}/s, {rate[1] / rate[0]:.0%} "
            f"({tail[1]:.1f} ms, {tail[1] / tail[0]:.1f} times), with two {rate[2]:.0f}/s, {rate[2] / rate[0]:.0%} "
            f"({tail[2]:.1f} ms, {tail[2] / tail[0]:.1f} times)"
        )
    entry["text"] = f"{'; '.join(lines)}; medians of {a.rounds} rounds of {a.seconds:.0f} s"
    contest.store("beside busy loops on one and on both of two CPUs, 1x16, two threads", a.precision, entry)
    print("\n".join(lines))


def memory(a):
    with serving.modeld(a.binaries, a.models, a.precision, "0", 1) as (process, socket):
        command = [f"{a.binaries}/modelctl", "bench", f"distilbert-base:{a.precision}", "--socket", socket, "--json"]
        command += ["--task", "classify", "--file", a.texts, "--duration", f"{a.seconds:.0f}s", "--connections", "4"]
        answer = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
        requests = json.loads(answer.stdout.splitlines()[-1])["requests"]
        workers = serving.status(a.binaries, socket)["models"][0]["workers"]
        sizes = {"modeld": pss(process.pid), **{f"worker {w['pid']}": pss(w["pid"]) for w in workers}}
    parts = ", ".join(f"{name.split()[0]} {size / 2**20:.0f} MiB" for name, size in sizes.items())
    total = sum(sizes.values())
    text = f"{total / 2**20:.0f} MiB PSS ({parts}) after {requests} requests"
    contest.store("memory: one worker on one CPU", a.precision, {"text": text, "bytes": total})
    print(text)


def scaling(a):
    """Our own 8×128 on one thread and on two, and the loop on registers on as many, in turn."""
    import engines

    with tempfile.TemporaryDirectory() as folder, contest.Contenders() as contenders:
        (path := pathlib.Path(folder) / "workloads.json").write_text(json.dumps(engines.workloads(a.models, a.texts)))
        command = [f"{a.binaries}/benchmarks", "engine-contender", f"{a.models}/distilbert-base/1", str(path)]
        command += ["--variant", a.precision]
        teams = [
            contenders.add(f"{n} threads", [*command, "--threads", str(n)], f"0-{n - 1}") for n in (1, 2)
        ]
        times, peaks = contest.alternate(
            [(team, "8x128") for team in teams], a.seconds, between=lambda: [float(t.ask("peak")) for t in teams]
        )
    ours = contest.quantile([one / two for one, two in zip(*times)], 0.5)
    loop = contest.quantile([two / one for one, two in peaks], 0.5)
    text = (
        f"{ours:.2f} times as fast, a loop on registers {loop:.2f} times: {ours / loop:.0%} of it; "
        f"medians of {len(peaks)} rounds"
    )
    contest.store("two threads against one, 8x128", a.precision, {"text": text, "ours": ours, "loop": loop})
    print(text)


def pss(process):
    for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/{process}/smaps_rollup has no Pss")


def main():
    commands = {"tokenizer": tokenizer, "start": start, "call": call, "neighbour": neighbour, "memory": memory}
    commands["scaling"] = scaling
    parser = argparse.ArgumentParser(prog="ops/bench")
    parser.add_argument("command", choices=commands)
    parser.add_argument("binaries")
    parser.add_argument("models")
    parser.add_argument("texts")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16", "int8"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    for line in contest.remarks(contest.machine()):
        print(f"# {line}")
    commands[arguments.command](arguments)


main()
