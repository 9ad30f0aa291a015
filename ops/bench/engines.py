"""The comparison of engines: see ops/bench/run, which calls this."""

import argparse
import json
import pathlib
import random
import sys
import tempfile

import contest
import report

SHAPES = ["1x16", "1x128", "1x384", "8x128", "32x32", "mixed"]
# Every 200th of the 4,000 real texts; more would leave too few rounds.
MIXED_STEP = 200
# How ours is served: sequences of a batch end to end, at most a number of tokens per step.
STEP_TOKENS = 512
# How many texts of the mixed set the peers take at once: one needs no padding, several use the cores better.
PEER_BATCHES = [1, 8]
PEERS = {
    "fp32": ["onnxruntime", "openvino", "pytorch"],
    "bf16": ["openvino", "pytorch"],
    "int8": ["onnxruntime", "openvino"],
}


def workloads(models, texts):
    """Batches of token ids by name."""
    from tokenizers import BertWordPieceTokenizer

    choose = random.Random(7)
    result = {}
    for shape in SHAPES[:-1]:
        count, length = map(int, shape.split("x"))
        result[shape] = [
            [[101, *(choose.randrange(1000, 30000) for _ in range(length - 2)), 102] for _ in range(count)]
        ]
    encode = BertWordPieceTokenizer(f"{models}/distilbert-base/1/vocab.txt", lowercase=True)
    encode.enable_truncation(384)
    with open(texts) as file:
        sequences = [encode.encode(json.loads(line)).ids for line in file.readlines()[::MIXED_STEP]]
    steps = [[]]
    for sequence in sequences:
        if steps[-1] and sum(map(len, steps[-1])) + len(sequence) > STEP_TOKENS:
            steps.append([])
        steps[-1].append(sequence)
    result["mixed"] = steps
    for count in PEER_BATCHES:
        result[f"mixed/{count}"] = [sequences[i : i + count] for i in range(0, len(sequences), count)]
    return result


def difference(answer, reference):
    """The largest difference of logits, in units of the largest reference logit."""
    pairs = [(a, b) for ours, theirs in zip(answer, reference, strict=True) for a, b in zip(ours, theirs, strict=True)]
    return max(abs(a - b) for a, b in pairs) / max(abs(b) for _, b in pairs)


def compare(arguments, precision, threads, path):
    cpus = "0" if threads == 1 else f"0-{threads - 1}"
    environment = {
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
    }
    with contest.Contenders() as contenders:
        ours = contenders.add(
            "distillery",
            [arguments.program, "engine-contender", f"{arguments.models}/distilbert-base/1", path]
            + ["--variant", precision, "--threads", str(threads)],
            cpus,
        )
        computes = {"distillery": precision}
        peers = []
        for name in PEERS[precision]:
            command = [sys.executable, "ops/bench/peer.py", name, precision, str(threads), arguments.models, path]
            peers.append(contenders.add(name, command, cpus, environment))
            computes[name] = peers[-1].ask("precision")
        for shape in arguments.shapes:
            turns = [(ours, shape)]
            labels = ["distillery"]
            for peer in peers:
                for count in PEER_BATCHES if shape == "mixed" else [None]:
                    turns.append((peer, shape if count is None else f"mixed/{count}"))
                    labels.append(peer.label if count is None else f"{peer.label}, {count} at once")
            times, peaks = contest.alternate(turns, arguments.seconds, between=lambda: float(ours.ask("peak")))
            entry = {
                "contenders": {label: contest.summary(values) for label, values in zip(labels, times)},
                "gflop": float(ours.ask(f"operations {shape}")) * 1e-9,
                "peak_gflops": contest.quantile(peaks, 0.5),
                "computes": computes,
            }
            if precision == "fp32":
                reference = json.loads(peers[-1].ask(f"answer {turns[-1][1]}"))
                entry["logit_difference"] = difference(json.loads(ours.ask(f"answer {shape}")), reference)
                if entry["logit_difference"] > 1e-3:
                    sys.exit(f"{shape}: the logits are not PyTorch's: {entry['logit_difference']:.1e} of the largest")
            contest.store("engines", f"{precision} {threads} {shape}", entry)
            print(report.engine_line(shape, entry), flush=True)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench/run")
    parser.add_argument("program")
    parser.add_argument("models")
    parser.add_argument("texts")
    parser.add_argument("--precision", default="fp32", help="fp32,bf16,int8")
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--shapes", default=",".join(SHAPES))
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--report", action="store_true")
    arguments = parser.parse_args()
    if not arguments.report:
        arguments.shapes = arguments.shapes.split(",")
        for known, given in [(SHAPES, arguments.shapes), (list(PEERS), arguments.precision.split(","))]:
            for name in given:
                if name not in known:
                    parser.error(f"{name}: not one of {', '.join(known)}")
        for line in contest.remarks(contest.machine()):
            print(f"# {line}")
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "workloads.json"
            path.write_text(json.dumps(workloads(arguments.models, arguments.texts)))
            for precision in arguments.precision.split(","):
                for threads in map(int, arguments.threads.split(",")):
                    print(f"\n{precision}, {threads} thread{'s' if threads > 1 else ''}", flush=True)
                    compare(arguments, precision, threads, str(path))
    report.write()


if __name__ == "__main__":
    main()
