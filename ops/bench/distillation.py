"""The comparison of distillation: see ops/bench/distillation, which calls this."""

import argparse
import csv
import json
import pathlib
import random
import shutil
import statistics
import subprocess
import sys

import contest

LONGEST = {"bbc": 128, "posts": 64, "banking77": 128}
SEEDS = {"bbc": "1,2,3,4,5", "posts": "1,2,3,4,5", "banking77": "1,2,3,4"}
KEPT_LAYERS = (0, 2, 4)
RATES = ("1e-4", "3e-4", "1e-3")
# Texts of each class that recipes for Banking77 are chosen by.
HELD_OUT = 13
# What is tried of the preset `embedding`; the first one chooses the learning rate.
EMBEDDING_VARIANTS = {
    "alone": "cosine_weight: 0\n",
    "weight-2000": "cosine_weight: 0\nembedding_weight: 2000\n",
    "cosine-5": "cosine_weight: 5\n",
}
# How many seeds the terms below are tried with.
ABLATED = 4
# Posts: what the layer-wise terms add to labels and soft targets as the preset `distilbert` weighs them; it has the cosine.
LAYER_WISE = {
    "soft-targets": "cosine_weight: 0\n",
    "patient": "cosine_weight: 0\npatient_weight: 100\n",
    "relations": "cosine_weight: 0\nrelation_weight: 1\n",
}
# As the preset `embedding` has them, without the embeddings.
SOFT_TARGETS = "task_weight: 0.5\nsoft_target_weight: 1\ntemperature: {}\n"


class Ours:
    """Runs `distill`, and keeps what it answered by the name of the model that it made."""

    def __init__(self, arguments, folder):
        self.program, self.folder = arguments.program, folder
        self.common = ["--threads", str(arguments.threads)]
        self.training = ["--precision", arguments.precision, "--max-length", str(LONGEST[arguments.data])]
        self.file = folder / "ours.json"
        self.results = json.loads(self.file.read_text()) if self.file.exists() else {}

    def distill(self, command, *options):
        """The JSON object of its last line."""
        answer = subprocess.run(
            [self.program, command, *map(str, options), *self.common, "--json"], stdout=subprocess.PIPE, text=True
        )
        if answer.returncode:
            sys.exit(f"distill {command} {' '.join(map(str, options))}: status {answer.returncode}")
        return json.loads(answer.stdout.splitlines()[-1])

    def make(self, name, seed, test, command, *options):
        """Trains a model, evaluates it on `test`, and returns its folder."""
        key = f"{name}-{seed}"
        output = self.folder / key
        if key not in self.results or not output.exists():
            made = self.distill(command, *options, *self.training, "--seed", seed, "--output", output, "--force")
            del made["output"]
            judged = self.distill("evaluate", "--model", output, "--data", test)
            self.results[key] = {"name": name, "seed": seed, "training": made, "evaluation": judged}
            self.file.write_text(json.dumps(self.results, indent=1) + "\n")
            print(f"{name}, seed {seed}: accuracy {judged['accuracy']:.4f}, {made['seconds']:.0f} s of training", flush=True)
        return output


def shallow(base, folder):
    """MiniLM's layers 0, 2 and 4 as a model of its own: what a student starts from without a teacher."""
    from safetensors.numpy import load_file, save_file

    if folder.exists():
        return folder
    partial = folder.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(base, partial)
    tensors = {}
    for name, value in load_file(f"{base}/model.safetensors").items():
        before, found, after = name.partition("encoder.layer.")
        if found:
            layer, _, rest = after.partition(".")
            if int(layer) not in KEPT_LAYERS:
                continue
            name = f"{before}{found}{KEPT_LAYERS.index(int(layer))}.{rest}"
        tensors[name] = value
    save_file(tensors, partial / "model.safetensors", metadata={"format": "pt"})
    settings = json.loads((partial / "config.json").read_text())
    settings["num_hidden_layers"] = len(KEPT_LAYERS)
    (partial / "config.json").write_text(json.dumps(settings, indent=2) + "\n")
    partial.rename(folder)
    return folder


def lines(path):
    """The values of a peer's file of results, by what they are of."""
    result = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        if not line.startswith("#"):
            seed, what, *values = line.split()
            result.setdefault(what, {})[seed] = list(map(float, values))
    return result


def run_peer(script, *options):
    command = [sys.executable, f"ops/bench/{script}", *map(str, options)]
    if subprocess.run(command).returncode:
        sys.exit(f"{' '.join(command)} failed")


def topics(arguments, folder):
    """BBC news or posts: a teacher, students without and with it, and of posts with other terms of the loss."""
    data = pathlib.Path(arguments.cache) / "training-data"
    subprocess.run(["ops/fetch-training-data", data], check=True)
    train, test = (data / f"{arguments.data}-{part}.csv" for part in ("train", "test"))
    ours = Ours(arguments, folder)
    batch = ["--data", train, "--batch-size", 32]
    few = shallow(arguments.base, folder.parent / "minilm-3-layers")
    teacher = ours.make(
        "teacher", 0, test, "finetune", "--model", arguments.base, *batch, "--epochs", 2, "--learning-rate", 5e-5
    )
    students, baselines = [], []
    for seed in arguments.seeds:
        three = [*batch, "--epochs", 3, "--learning-rate", 1e-4]
        baselines.append(ours.make("student", seed, test, "finetune", "--model", few, *three))
        options = ["--teacher", teacher, "--preset", "distilbert", "--layers", 3, *three]
        students.append(ours.make("distilled", seed, test, "train", *options))
        for name, change in LAYER_WISE.items() if arguments.data == "posts" and seed in arguments.seeds[:ABLATED] else ():
            config = folder / f"{name}.yaml"
            config.write_text(change)
            students.append(ours.make(name, seed, test, "train", *options, "--config", config))
    report(ours, [teacher], students, baselines, [train], test)
    if not arguments.without_peers:
        options = [arguments.data, ",".join(arguments.seeds), folder.parent / arguments.data]
        run_peer("distillation_peer.py", arguments.base, data, *options)
    return ours.results, lines(folder.parent / arguments.data / "peer.txt")


def held_out(texts, raw, folder):
    """Raw text in two parts: some of each class with its labels, which Banking77's own file has, and the rest."""
    with open(f"{texts}/banking77-train.csv", newline="") as file:
        labels = {" ".join(row["text"].split()): row["category"] for row in csv.DictReader(file)}
    held, rest = [("text", "label")], [("text",)]
    taken = {}
    with open(raw, newline="") as file:
        unlabelled = [row["text"] for row in csv.DictReader(file)]
    random.Random(1).shuffle(unlabelled)
    for text in unlabelled:
        label = labels[text]
        taken[label] = taken.get(label, 0) + 1
        if taken[label] <= HELD_OUT:
            held.append((text, label))
        else:
            rest.append((text,))
    folder.mkdir(exist_ok=True)
    for name, rows in (("held-out.csv", held), ("rest.csv", rest)):
        with open(folder / name, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)
    return folder / "held-out.csv", folder / "rest.csv"


def chosen(trial, name, validation, command, variants):
    """The options that are best on `validation`: a rate of RATES with the first variant, then a variant with that rate."""

    def accuracy(variant, rate):
        trained = f"{name}-{variant}-{rate}"
        trial.make(trained, 1, validation, *command, *variants[variant], "--learning-rate", rate)
        return trial.results[f"{trained}-1"]["evaluation"]["accuracy"]

    rate = max(RATES, key=lambda rate: accuracy(next(iter(variants)), rate))
    variant = max(variants, key=lambda variant: accuracy(variant, rate))
    print(f"{name}: {variant} at rate {rate} is best on validation", flush=True)
    return [*variants[variant], "--learning-rate", rate]


def intents(arguments, folder):
    """Banking77 with eight labels of each class: a teacher from few labels, and students of three of its layers.

    The teacher is the frozen encoder with a head; contrastive tuning, which takes minutes, is not tried. `distilled` learns the
    teacher's embeddings and answers of raw text, and, where that is better, its states of each token; `soft-targets` the
    answers alone, from the same texts in as many steps; and `shallow` the labels, since it has no use for raw text.

    What each is trained with is chosen on the first draw, by HELD_OUT raw texts of each class that are kept from it there and
    have their labels back: the learning rate of RATES, then of `distilled` one of EMBEDDING_VARIANTS, of soft targets
    the temperature, of `shallow` whether it takes as many steps as the others. Students with a teacher are tried with three
    epochs and trained with ten.
    """
    data = pathlib.Path(arguments.cache) / "banking77"
    subprocess.run(["ops/fetch-training-data", "--banking77", arguments.texts, data], check=True)
    ours, trial, test = Ours(arguments, folder), Ours(arguments, folder / "validation"), data / "test.csv"
    validation, rest = held_out(arguments.texts, data / "raw-8-1.csv", trial.folder)
    few = shallow(arguments.base, folder.parent / "minilm-3-layers")
    labelled = {seed: ["--data", data / f"few-8-{seed}.csv"] for seed in {"1", *arguments.seeds}}
    full = ["--method", "full", "--batch-size", 16]
    frozen = folder / "frozen.yaml"
    frozen.write_text("pairs: 0\n")
    embedding = {}
    for name, change in EMBEDDING_VARIANTS.items():
        config = folder / f"embedding-{name}.yaml"
        config.write_text(change)
        embedding[name] = ["--preset", "embedding", "--config", config]
    soft = {}
    for temperature in (1, 2):
        config = folder / f"soft-targets-{temperature}.yaml"
        config.write_text(SOFT_TARGETS.format(temperature))
        soft[f"temperature-{temperature}"] = ["--config", config]

    def teacher(seed):
        options = ["--model", arguments.base, *labelled[seed], "--method", "few-shot"]
        return ours.make("few-shot", seed, test, "finetune", *options, "--config", frozen)

    def taught(seed, raw, epochs):
        return ["train", "--teacher", teacher(seed), *labelled[seed], "--unlabelled", raw, "--layers", 3, "--epochs", epochs]

    def alone(seed):
        return ["finetune", "--model", few, *labelled[seed], *full]

    short = taught("1", rest, 3)
    options = {
        "distilled": chosen(trial, "distilled", validation, short, embedding),
        "soft-targets": chosen(trial, "soft-targets", validation, short, soft),
        "shallow": chosen(
            trial, "shallow", validation, alone("1"), {f"epochs-{epochs}": ["--epochs", epochs] for epochs in (25, 80)}
        ),
    }
    for seed in arguments.seeds:
        raw = data / f"raw-8-{seed}.csv"
        ours.make("distilled", seed, test, *taught(seed, raw, 10), *options["distilled"])
        ours.make("soft-targets", seed, test, *taught(seed, raw, 10), *options["soft-targets"])
        ours.make("shallow", seed, test, *alone(seed), *options["shallow"])
    for seed in arguments.seeds:
        whole = ["--epochs", 25, "--learning-rate", 1e-4]
        ours.make("fine-tuned", seed, test, "finetune", "--model", arguments.base, *labelled[seed], *full, *whole)

    def draws(*names):
        return [folder / f"{name}-{seed}" for name in names for seed in arguments.seeds]

    students, baselines = draws("distilled", "soft-targets"), draws("shallow", "fine-tuned")
    train, raw = ([data / f"{part}-8-{seed}.csv" for seed in arguments.seeds] for part in ("few", "raw"))
    report(ours, draws("few-shot"), students, baselines, train, test, raw)
    if not arguments.without_peers:
        peers = [",".join(arguments.seeds), "tfidf,lr,ft,setfit", data / "baselines.txt"]
        run_peer("few_labels.py", arguments.base, data, *peers)
    return ours.results, lines(data / "baselines.txt")


def report(ours, teachers, students, baselines, train, test, unlabelled=()):
    """The program's own proof of the students, with its bootstrap: one teacher, or one of each draw of the labels."""
    output = ours.folder / "report"
    if output.exists():
        return
    options = ["--data", test, "--output", output]
    for flag, paths in (
        ("--teacher", teachers),
        ("--student", students),
        ("--baseline", baselines),
        ("--train", train),
        ("--unlabelled", unlabelled),
    ):
        for path in paths:
            options += [flag, path]
    ours.distill("report", *options)
    print(f"report: {output}/report.html", flush=True)


def spread(values):
    """Mean, standard deviation and number, as words."""
    mean = f"{statistics.mean(values):.1%}"
    return mean if len(values) == 1 else f"{mean} ± {statistics.stdev(values) * 100:.1f} ({len(values)} seeds)"


def worded(ours, peers, seeds):
    """A sentence for each recipe, ours and theirs."""
    found = {}
    for entry in ours.values():
        found.setdefault(f"distillery {entry['name']}", []).append(
            (entry["evaluation"]["accuracy"], entry["training"]["tokens_per_second"], entry["training"]["seconds"])
        )
    for what, by_seed in peers.items():
        for seed, (accuracy, *speed, seconds) in by_seed.items():
            if seed == "0" or seed in seeds:
                found.setdefault(f"peer {what}", []).append((accuracy, speed[0] if speed else None, seconds))
    sentences = []
    for name, rows in found.items():
        accuracy, speed, seconds = zip(*rows)
        rate = "" if None in speed else f", {statistics.median(speed):.0f} tokens/s"
        sentences.append(f"{name} {spread(accuracy)}{rate}, {statistics.median(seconds):.0f} s")
    return sentences


def main():
    parser = argparse.ArgumentParser(prog="ops/bench/distillation")
    parser.add_argument("program")
    parser.add_argument("base")
    parser.add_argument("cache")
    parser.add_argument("data", choices=LONGEST)
    parser.add_argument("--texts", help="the folder of Banking77")
    parser.add_argument("--seeds", help="five, or the four draws of Banking77")
    parser.add_argument("--precision", default="fp32", choices=["fp32", "bf16"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--fresh", action="store_true", help="do again what is there already, but the peers'")
    parser.add_argument("--without-peers", action="store_true")
    arguments = parser.parse_args()
    if arguments.data == "banking77" and not arguments.texts:
        parser.error("banking77 needs --texts FOLDER, with banking77-train.csv and banking77-test.csv")
    arguments.seeds = (arguments.seeds or SEEDS[arguments.data]).split(",")
    folder = pathlib.Path(arguments.cache) / "bench" / "distillation" / f"{arguments.data}-{arguments.precision}"
    if arguments.fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    ours, peers = (intents if arguments.data == "banking77" else topics)(arguments, folder)
    sentences = worded(ours, peers, arguments.seeds)
    entry = {"ours": ours, "peers": peers, "text": "; ".join(sentences)}
    contest.store("distillation", f"{arguments.data}, {arguments.precision}, {arguments.threads} threads", entry)
    print("\n".join(sentences))


if __name__ == "__main__":
    main()
