"""The comparison of fine-tuning: see ops/bench/training, which calls this. training_peer.py has the contenders' protocol."""

import argparse
import csv
import json
import pathlib
import random
import sys
import tempfile

import contest

# The longest sequence in tokens, and how many batches a pass has: a few seconds of two cores.
DATA = {"bbc": (128, 1), "posts": (64, 3)}
BATCH = 32
# What rounding may change of a loss, in units of the loss. bf16's is that of an eighth bit, of sums over a batch less.
TOLERANCE = {"fp32": 1e-4, "bf16": 0.02}


def work(base, data, folder):
    """Writes the batches of each data set; returns their tokens, and how many they are with padding."""
    from tokenizers import BertWordPieceTokenizer

    encode = BertWordPieceTokenizer(f"{base}/vocab.txt", lowercase=True)
    tokens = {}
    for name, (longest, count) in DATA.items():
        with open(f"{data}/{name}-train.csv", newline="") as file:
            rows = list(csv.reader(file))[1:]
        labels = sorted({label for _, label in rows})
        random.Random(1).shuffle(rows)
        encode.enable_truncation(longest)
        ids = [encode.encode(text).ids for text, _ in rows[: BATCH * count]]
        batches = [
            {"ids": ids[i : i + BATCH], "labels": [labels.index(label) for _, label in rows[i : i + BATCH]]}
            for i in range(0, len(ids), BATCH)
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(batch) + "\n" for batch in batches))
        tokens[name] = sum(map(len, ids)), sum(BATCH * max(map(len, batch["ids"])) for batch in batches)
    return tokens


def classifier(base, folder, dropout):
    """MiniLM with a seeded classifier, the same for all data sets."""
    import torch
    from transformers import BertForSequenceClassification, logging

    logging.set_verbosity_error()
    torch.manual_seed(20261122)
    chances = {} if dropout is None else {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    BertForSequenceClassification.from_pretrained(base, num_labels=5, **chances).save_pretrained(folder)
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"):
        (folder / name).write_bytes((pathlib.Path(base) / name).read_bytes())


def difference(ours, theirs):
    """The largest difference of two lists of losses, in units of the loss."""
    return max(abs(a - b) / abs(b) for a, b in zip(ours, theirs, strict=True))


def compare(arguments, precision, folder, tokens):
    cpus = "0" if arguments.threads == 1 else f"0-{arguments.threads - 1}"
    environment = {"OMP_NUM_THREADS": str(arguments.threads), "TOKENIZERS_PARALLELISM": "false"}
    model, batches = str(folder / "model"), str(folder)
    with contest.Contenders() as contenders:
        if not arguments.peers_alone:
            command = [arguments.program, "training-contender", model, batches]
            command += ["--precision", precision, "--threads", str(arguments.threads)]
            contenders.add("distillery", command, cpus)
        for how in ("eager", "compiled"):
            command = [sys.executable, "ops/bench/training_peer.py", precision, how, str(arguments.threads), model, batches]
            contenders.add(f"pytorch {how}", command, cpus, environment)
        for name in arguments.data:
            entry = {"tokens": tokens[name][0], "tokens_padded": tokens[name][1], "dropout": arguments.dropout}
            # The compiled model's are the other's.
            losses = [json.loads(contender.ask(f"losses {name}")) for contender in contenders.list[:-1]]
            entry["losses"] = {contender.label: each for contender, each in zip(contenders.list, losses)}
            entry["loss_difference"] = difference(losses[0], losses[-1])
            if entry["loss_difference"] > TOLERANCE[precision]:
                sys.exit(f"{precision} {name}: the losses are not PyTorch's: {entry['losses']}")
            times, _ = contest.alternate([(contender, name) for contender in contenders.list], arguments.seconds)
            entry["contenders"] = {c.label: contest.summary(values) for c, values in zip(contenders.list, times)}
            rates = {label: tokens[name][0] / x["median_ms"] * 1e3 for label, x in entry["contenders"].items()}
            entry["tokens_per_second"] = rates
            first, *others = rates
            ratios = ", ".join(f"{other} {rates[other]:.0f} ({rates[first] / rates[other]:.2f})" for other in others)
            padding = tokens[name][1] / tokens[name][0] - 1
            entry["text"] = (
                f"{first} {rates[first]:.0f} tokens/s; {ratios}; medians of {entry['contenders'][first]['passes']} passes of "
                f"{tokens[name][0]} tokens, to which PyTorch adds {padding:.0%} of padding"
            )
            key = f"{precision}, {arguments.threads} thread{'s' if arguments.threads > 1 else ''}, {name}"
            if not arguments.peers_alone:
                contest.store("fine-tuning MiniLM, batches of 32", key, entry)
            print(f"{key}: {entry['text']}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="ops/bench/training")
    parser.add_argument("program")
    parser.add_argument("base")
    parser.add_argument("texts")
    parser.add_argument("--precision", default="fp32,bf16")
    parser.add_argument("--data", default=",".join(DATA))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=60, help="of each precision and data set")
    parser.add_argument("--dropout", type=float, help="instead of what MiniLM's configuration says, 0.1")
    parser.add_argument("--peers-alone", action="store_true", help="without ours, nothing is stored")
    arguments = parser.parse_args()
    arguments.data = arguments.data.split(",")
    for known, given in [(DATA, arguments.data), (TOLERANCE, arguments.precision.split(","))]:
        for name in given:
            if name not in known:
                parser.error(f"{name}: not one of {', '.join(known)}")
    for line in contest.remarks(contest.machine()):
        print(f"# {line}")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        tokens = work(arguments.base, arguments.texts, folder)
        classifier(arguments.base, folder / "model", arguments.dropout)
        for precision in arguments.precision.split(","):
            compare(arguments, precision, folder, tokens)


if __name__ == "__main__":
    main()
