"""See ops/bench/distilbert, which calls this."""

import argparse
import json
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import contest

LAYERS = (0, 2, 4, 7, 9, 11)
LONGEST = 64
# Of the loss of a step: how far ours may be from PyTorch's.
TOLERANCE = 1e-3
# DistilBERT's paper: parameters in millions, seconds of a pass over STS-B's development set on a CPU, one text at a time.
PAPER = {"parameters": (110, 66), "seconds": (668, 410)}


def make_teacher(folder, vocabulary):
    """BERT-base with seeded random weights, once."""
    import torch
    from transformers import BertConfig, BertForMaskedLM

    if folder.exists():
        return
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    torch.manual_seed(20261128)
    BertForMaskedLM(BertConfig()).save_pretrained(partial)
    shutil.copy(vocabulary, partial / "vocab.txt")
    partial.rename(folder)


def make_student(teacher, folder):
    """What a student begins with, in PyTorch: the teacher's layers 0, 2, 4, 7, 9 and 11 and its embeddings."""
    from transformers import BertForMaskedLM, DistilBertConfig, DistilBertForMaskedLM

    names = {
        "attention.self.query": "attention.q_lin", "attention.self.key": "attention.k_lin", "attention.self.value": "attention.v_lin",
        "attention.output.dense": "attention.out_lin", "attention.output.LayerNorm": "sa_layer_norm",
        "intermediate.dense": "ffn.lin1", "output.dense": "ffn.lin2", "output.LayerNorm": "output_layer_norm",
    }
    source = BertForMaskedLM.from_pretrained(teacher).state_dict()
    student = DistilBertForMaskedLM(DistilBertConfig())
    state = student.state_dict()

    def copy(target, found):
        for end in ("weight", "bias"):
            if f"{found}.{end}" in source:
                state[f"{target}.{end}"] = source[f"{found}.{end}"].clone()

    for name in ("word_embeddings", "position_embeddings", "LayerNorm"):
        copy(f"distilbert.embeddings.{name}", f"bert.embeddings.{name}")
    for to, layer in enumerate(LAYERS):
        for found, name in names.items():
            copy(f"distilbert.transformer.layer.{to}.{name}", f"bert.encoder.layer.{layer}.{found}")
    copy("vocab_transform", "cls.predictions.transform.dense")
    copy("vocab_layer_norm", "cls.predictions.transform.LayerNorm")
    state["vocab_projector.weight"] = state["distilbert.embeddings.word_embeddings.weight"]
    state["vocab_projector.bias"] = source["cls.predictions.bias"].clone()
    student.load_state_dict(state)
    student.save_pretrained(folder)
    shutil.copy(pathlib.Path(teacher) / "vocab.txt", folder / "vocab.txt")


def masked_batches(texts, vocabulary, path, steps):
    """Batches of eight texts whose masks are drawn here, so that both sides have the same."""
    from tokenizers import BertWordPieceTokenizer

    encode = BertWordPieceTokenizer(str(vocabulary), lowercase=True)
    encode.enable_truncation(LONGEST)
    mask, generator = encode.token_to_id("[MASK]"), random.Random(1)
    with open(path, "w") as file:
        for step in range(steps):
            ids = [encode.encode(text).ids for text in texts[8 * step : 8 * step + 8]]
            places = [(s, t) for s, sequence in enumerate(ids) for t in range(1, len(sequence) - 1)]
            starts = [sum(map(len, ids[:s])) for s in range(len(ids))]
            chosen = sorted(generator.sample(places, -(-15 * len(places) // 100)))
            words = [ids[s][t] for s, t in chosen]
            for s, t in chosen:
                draw = generator.random()
                if draw < 0.9:
                    ids[s][t] = mask if draw < 0.8 else generator.randrange(1000, encode.get_vocab_size())
            rows = [starts[s] + t for s, t in chosen]
            file.write(json.dumps({"ids": ids, "rows": rows, "words": words}) + "\n")


def compare_losses(arguments, folder, texts, results):
    """50 steps of ours and of PyTorch's from the same weights."""
    with tempfile.TemporaryDirectory() as work:
        work = pathlib.Path(work)
        make_student(folder / "teacher", work / "student")
        masked_batches(texts, arguments.texts / "vocab.txt", work / "masked.jsonl", 50)
        teacher, student, threads = str(folder / "teacher"), str(work / "student"), str(arguments.threads)
        with contest.Contenders() as contenders:
            command = [f"{arguments.programs}/benchmarks", "distillation-contender", teacher, student, str(work)]
            ours = contenders.add("distillery", [*command, "--threads", threads], f"0-{arguments.threads - 1}")
            losses = json.loads(ours.ask("losses masked"))
        peer = [sys.executable, "ops/bench/distilbert_peer.py", teacher, student, str(work / "masked.jsonl"), threads]
        theirs = json.loads(subprocess.run(peer, stdout=subprocess.PIPE, check=True, text=True).stdout)
    worst = max(abs(a - b) for a, b in zip(losses, theirs, strict=True))
    results["losses"] = {"distillery": losses, "pytorch": theirs, "largest_difference": worst}
    print(f"50 steps: loss {losses[0]:.4f} to {losses[-1]:.4f}, at most {worst:.1e} from PyTorch's", flush=True)
    if worst > TOLERANCE:
        sys.exit(f"the losses are not PyTorch's: {losses} {theirs}")


def train(arguments, folder, texts, results):
    """One command, as a user gives it."""
    batch = 16
    raw, output = folder / "raw.jsonl", folder / "student"
    chosen = [text for text in texts if text.strip()][: arguments.steps * batch]
    epochs = -(-arguments.steps * batch // len(chosen))
    raw.write_text("".join(json.dumps({"text": text}) + "\n" for text in chosen))
    command = [f"{arguments.programs}/distill", "train", "--teacher", folder / "teacher", "--unlabelled", raw, "--layers", 6]
    command += ["--precision", arguments.precision, "--max-length", LONGEST, "--batch-size", batch, "--epochs", epochs]
    command += ["--learning-rate", "1e-4", "--threads", arguments.threads, "--output", output, "--force", "--json"]
    with open(folder / "training.log", "w") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=subprocess.PIPE, stderr=log, text=True)
        answer = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    log = (folder / "training.log").read_text()
    if status:
        sys.exit(f"{' '.join(map(str, command))}: status {status}\n{log}")
    made = json.loads(answer.splitlines()[-1])
    planned = float(re.search(r"memory: ([\d.]+) MB", answer + log)[1])
    held = usage.ru_maxrss / 1e3
    results["training"] = made | {"precision": arguments.precision, "planned_mb": planned, "held_mb": held}
    print(
        f"{made['steps']} steps, {made['tokens']} tokens in {made['seconds']:.0f} s: {made['tokens_per_second']:.0f} tokens/s, "
        f"loss {made['loss']:.3f}; {planned:.0f} MB planned, {held:.0f} MB held at most",
        flush=True,
    )


def serve(arguments, folder, results):
    """Both models side by side, asked in turn."""
    def ctl(*options):
        answer = subprocess.run([f"{arguments.programs}/modelctl", *options], stdout=subprocess.PIPE, check=True, text=True)
        return json.loads(answer.stdout.splitlines()[-1])

    pair = {}
    with tempfile.TemporaryDirectory() as work:
        for name in ("teacher", "student"):
            os.makedirs(f"{work}/models/{name}")
            os.symlink(folder / name, f"{work}/models/{name}/1")
            checked = ctl("check", f"{work}/models/{name}/1", "--json")
            pair[name] = {"packed_bytes": checked["variants"][0]["weight_bytes"], "rates": []}
            with open(folder / name / "model.safetensors", "rb") as file:
                header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
            shapes = [entry["shape"] for key, entry in header.items() if key != "__metadata__"]
            pair[name]["parameters"] = sum(product(shape) for shape in shapes)
        socket = f"{work}/s"
        command = [f"{arguments.programs}/modeld", "--model-repository", f"{work}/models", "--socket", socket]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            for _ in range(600):
                status = subprocess.run([f"{arguments.programs}/modelctl", "status", "--json", "--socket", socket],
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
                if status.startswith('{"state":"READY"'):
                    break
                time.sleep(0.1)
            for _ in range(6):
                for name, entry in pair.items():
                    made = ctl("bench", name, "--duration", "4", "--connections", "4", "--json", "--socket", socket)
                    entry["rates"].append(made["requests_per_second"])
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(30)
    for entry in pair.values():
        entry["requests_per_second"] = statistics.median(entry["rates"][1:])
    results["served"] = pair
    teacher, student = pair["teacher"], pair["student"]
    ratio = student["requests_per_second"] / teacher["requests_per_second"]
    rows = [
        ("parameters, of the teacher's", f"{student['parameters'] / teacher['parameters']:.2f}", f"{66 / 110:.2f}"),
        ("packed bytes, of the teacher's", f"{student['packed_bytes'] / teacher['packed_bytes']:.2f}", "-"),
        ("throughput, times the teacher's", f"{ratio:.2f}", f"{PAPER['seconds'][0] / PAPER['seconds'][1]:.2f}"),
    ]
    for name, entry in pair.items():
        print(f"{name}: {entry['parameters'] / 1e6:.1f} M parameters, {entry['packed_bytes'] / 1e6:.0f} MB packed, "
              f"{entry['requests_per_second']:.1f} requests/s")
    for what, here, paper in rows:
        print(f"{what:36}{here:>8}{paper:>10} in the paper")


def product(shape):
    result = 1
    for size in shape:
        result *= size
    return result


def main():
    parser = argparse.ArgumentParser(prog="ops/bench/distilbert")
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("texts", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--precision", default="bf16", choices=["fp32", "bf16"])
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    make_teacher(folder / "teacher", arguments.texts / "vocab.txt")
    texts = [json.loads(line) for line in (arguments.texts / "texts.jsonl").read_text().splitlines()]
    results = {}
    compare_losses(arguments, folder, texts, results)
    train(arguments, folder, texts, results)
    serve(arguments, folder, results)
    contest.store("DistilBERT-base from BERT-base", f"{arguments.threads} threads", results)


if __name__ == "__main__":
    main()
