"""Distillation as one writes it with PyTorch and transformers: the figures beside ours on BBC news and on posts.

    distillation_peer.py MINILM DATA bbc|posts SEEDS OUT

DATA holds bbc-{train,test}.csv and posts-{train,test}.csv (ops/fetch-training-data). Fine-tunes MiniLM as the teacher
(2 epochs, rate 5e-5), then for each seed a student of its layers 0, 2 and 4: `student` from MiniLM's own weights on the
labels alone, and `distilled` from the teacher's weights with cross-entropy + 5/2·T²·KL(teacher ‖ student) (T 2) +
½(1 − cos of last hidden states); 3 epochs, rate 1e-4. Batches of 32, AdamW (decay 0.01 on everything), linear warm-up over a
tenth and decay, norm clipped to 5; BBC is cut to 128 tokens, posts to 64, and padded to the batch's longest.

Adds a line `SEED WHAT ACCURACY TOKENS/S SECONDS` for each to OUT/peer.txt, tokens without padding and time of training
alone, and skips what it has. The teacher is kept in OUT/peer-teacher.
"""

import csv
import pathlib
import random
import sys
import time

import torch
import torch.nn.functional as F
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification, logging

LONGEST = {"bbc": 128, "posts": 64}
BATCH, TEMPERATURE, DECAY, MOST_NORM = 32, 2.0, 0.01, 5.0


def read(path):
    with open(path, newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


class Work:
    def __init__(self, base, data, name):
        self.base, self.longest = base, LONGEST[name]
        self.train, self.test = (read(f"{data}/{name}-{part}.csv") for part in ("train", "test"))
        self.labels = sorted({label for _, label in self.train})
        self.tokenizer = AutoTokenizer.from_pretrained(base)

    def batches(self, rows, size, seed=None):
        rows = list(rows)
        if seed is not None:
            random.Random(seed).shuffle(rows)
        for start in range(0, len(rows), size):
            texts, labels = zip(*rows[start : start + size])
            inputs = self.tokenizer(
                list(texts), truncation=True, max_length=self.longest, padding=True, return_tensors="pt"
            )
            yield inputs, torch.tensor([self.labels.index(label) for label in labels])

    def accuracy(self, model):
        model.eval()
        right = 0
        with torch.inference_mode():
            for inputs, wanted in self.batches(self.test, 64):
                right += (model(**inputs).logits.argmax(-1) == wanted).sum().item()
        return right / len(self.test)

    def fit(self, model, epochs, rate, seed, teacher=None):
        """Trains; returns tokens/s and seconds."""
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=DECAY)
        steps, step, tokens = epochs * -(-len(self.train) // BATCH), 0, 0
        model.train()
        began = time.monotonic()
        for epoch in range(epochs):
            for inputs, wanted in self.batches(self.train, BATCH, seed * 100 + epoch):
                for group in optimizer.param_groups:
                    group["lr"] = rate * min(1, (step + 1) / (0.1 * steps)) * max(0, 1 - step / steps)
                out = model(**inputs, output_hidden_states=teacher is not None)
                loss = F.cross_entropy(out.logits, wanted)
                if teacher is not None:
                    with torch.no_grad():
                        taught = teacher(**inputs, output_hidden_states=True)
                    mine, theirs = (F.log_softmax(x.logits / TEMPERATURE, -1) for x in (out, taught))
                    kl = F.kl_div(mine, theirs, reduction="batchmean", log_target=True)
                    kept = inputs["attention_mask"].bool()
                    cosine = F.cosine_similarity(out.hidden_states[-1][kept], taught.hidden_states[-1][kept])
                    loss = loss + 2.5 * TEMPERATURE**2 * kl + 0.5 * (1 - cosine).mean()
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(model.parameters(), MOST_NORM)
                optimizer.step()
                step += 1
                tokens += int(inputs["attention_mask"].sum())
        seconds = time.monotonic() - began
        return tokens / seconds, seconds

    def student(self, source):
        """Three layers, with every second one of the source's six."""
        settings = BertConfig.from_pretrained(self.base, num_hidden_layers=3, num_labels=len(self.labels))
        model = BertForSequenceClassification(settings)
        model.bert.embeddings.load_state_dict(source.bert.embeddings.state_dict())
        for index, layer in enumerate(model.bert.encoder.layer):
            layer.load_state_dict(source.bert.encoder.layer[2 * index].state_dict())
        return model


def main(base, data, name, seeds, out):
    torch.set_num_threads(2)
    logging.set_verbosity_error()
    out = pathlib.Path(out)
    out.mkdir(parents=True, exist_ok=True)
    lines, kept = out / "peer.txt", out / "peer-teacher"
    text = lines.read_text() if lines.exists() else ""
    known = {tuple(line.split()[:2]) for line in text.splitlines() if line[0] != "#"}
    work = Work(base, data, name)

    def say(seed, what, model, speed):
        with lines.open("a") as file:
            print(seed, what, f"{work.accuracy(model):.4f} {speed[0]:.0f} {speed[1]:.0f}", file=file, flush=True)

    if not known:
        lines.write_text("# seed, what, accuracy on the test set, tokens/s, seconds; by ops/bench/distillation_peer.py\n")
    if ("0", "teacher") not in known:
        torch.manual_seed(0)
        teacher = BertForSequenceClassification.from_pretrained(base, num_labels=len(work.labels))
        speed = work.fit(teacher, 2, 5e-5, 0)
        teacher.save_pretrained(kept)
        say(0, "teacher", teacher, speed)
    teacher = BertForSequenceClassification.from_pretrained(kept).eval()
    for seed in seeds.split(","):
        for what in ("student", "distilled"):
            if (seed, what) in known:
                continue
            torch.manual_seed(int(seed))
            source = BertForSequenceClassification.from_pretrained(base) if what == "student" else teacher
            model = work.student(source)
            say(seed, what, model, work.fit(model, 3, 1e-4, int(seed), teacher if what == "distilled" else None))


if len(sys.argv) != 6 or sys.argv[3] not in LONGEST:
    sys.exit(__doc__)
main(*sys.argv[1:])
