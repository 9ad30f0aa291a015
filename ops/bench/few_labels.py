"""What is usual with few labels: baselines on Banking77 with eight texts of each class, by scikit-learn and PyTorch.

    few_labels.py MINILM DRAWS SEEDS METHODS OUT

DRAWS holds few-8-SEED.csv and test.csv (ops/fetch-training-data). METHODS, of which `tfidf` and `lr` take seconds, `setfit`
and `ft` minutes:

    tfidf    logistic regression (C 20) on tf-idf of words and pairs of words
    lr       logistic regression (C 20) on MiniLM's embeddings, the mean over tokens, normalised
    setfit   SetFit's recipe (arXiv 2209.11055): for each text ten pairs of its class and ten of others, (cos − target)²,
             batches of 16, one epoch, rate 2e-5 with linear warm-up and decay; then `lr` on the tuned encoder's embeddings
    ft       fine-tuning of all of MiniLM with BERT's head: 25 epochs, batches of 16, rate 1e-4 with linear warm-up and decay

Adds a line `SEED METHOD ACCURACY SECONDS` for each to OUT, accuracy on the 3,080 texts of the test set, and skips what OUT has.
The draws are all that a seed is for; the recipes' own seeds go with it.
"""

import csv
import pathlib
import random
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from transformers import AutoTokenizer, BertForSequenceClassification, BertModel, logging

SHOTS, LONGEST, BATCH = 8, 128, 16
PAIRS, PAIRS_RATE = 10, 2e-5
EPOCHS, RATE = 25, 1e-4


def read(path):
    with open(path, newline="") as file:
        return [(row["text"], row["label"]) for row in csv.DictReader(file)]


def regression(features, classes):
    return LogisticRegression(C=20, max_iter=2000).fit(features, classes)


def scheduled(optimizer, rate, step, steps):
    """Linear warm-up over a tenth of the steps, and decay to zero."""
    for group in optimizer.param_groups:
        group["lr"] = rate * min(1, (step + 1) / (0.1 * steps)) * max(0, 1 - step / steps)


class Baselines:
    def __init__(self, base, draws, seed):
        logging.set_verbosity_error()
        self.base, self.seed = base, seed
        train, test = read(f"{draws}/few-{SHOTS}-{seed}.csv"), read(f"{draws}/test.csv")
        self.labels = sorted({label for _, label in train})
        self.texts, self.tested = [text for text, _ in train], [text for text, _ in test]
        self.classes = [self.labels.index(label) for _, label in train]
        self.wanted = np.array([self.labels.index(label) for _, label in test])
        self.tokenizer = AutoTokenizer.from_pretrained(base)

    def inputs(self, texts):
        return self.tokenizer(texts, padding=True, truncation=True, max_length=LONGEST, return_tensors="pt")

    def accuracy(self, predicted):
        return float((np.asarray(predicted) == self.wanted).mean())

    def tfidf(self):
        vectors = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
        model = regression(vectors.fit_transform(self.texts), self.classes)
        return self.accuracy(model.predict(vectors.transform(self.tested)))

    def embed(self, model, texts):
        """Mean over tokens, normalised, [texts, 384]."""
        inputs = self.inputs(texts)
        mask = inputs["attention_mask"].unsqueeze(-1)
        states = model(**inputs).last_hidden_state
        return F.normalize((states * mask).sum(1) / mask.sum(1), dim=-1)

    def embeddings(self, model, texts):
        """Of many texts, those of like length together."""
        order = sorted(range(len(texts)), key=lambda index: len(texts[index]))
        result = [None] * len(texts)
        model.eval()
        with torch.inference_mode():
            for start in range(0, len(order), 64):
                part = order[start : start + 64]
                for index, row in zip(part, self.embed(model, [texts[index] for index in part]).numpy()):
                    result[index] = row
        return np.stack(result)

    def lr(self, model=None):
        model = model or BertModel.from_pretrained(self.base)
        fitted = regression(self.embeddings(model, self.texts), self.classes)
        return self.accuracy(fitted.predict(self.embeddings(model, self.tested)))

    def setfit(self):
        choose = random.Random(self.seed)
        torch.manual_seed(self.seed)
        members = {c: [i for i, other in enumerate(self.classes) if other == c] for c in range(len(self.labels))}
        pairs = []
        for index, of in enumerate(self.classes):
            for _ in range(PAIRS):
                pairs.append((index, choose.choice(members[of]), 1.0))
                other = choose.choice([c for c in members if c != of])
                pairs.append((index, choose.choice(members[other]), 0.0))
        choose.shuffle(pairs)
        model = BertModel.from_pretrained(self.base)
        optimizer = torch.optim.AdamW(model.parameters(), lr=PAIRS_RATE)
        steps = len(pairs) // BATCH
        model.train()
        for step in range(steps):
            scheduled(optimizer, PAIRS_RATE, step, steps)
            firsts, seconds, targets = zip(*pairs[step * BATCH : (step + 1) * BATCH])
            u, v = (self.embed(model, [self.texts[index] for index in part]) for part in (firsts, seconds))
            loss = ((F.cosine_similarity(u, v) - torch.tensor(targets)) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return self.lr(model)

    def ft(self):
        torch.manual_seed(self.seed)
        model = BertForSequenceClassification.from_pretrained(self.base, num_labels=len(self.labels))
        optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.01)
        steps, step = EPOCHS * -(-len(self.texts) // BATCH), 0
        model.train()
        for epoch in range(EPOCHS):
            order = list(range(len(self.texts)))
            random.Random(epoch).shuffle(order)
            for start in range(0, len(order), BATCH):
                scheduled(optimizer, RATE, step, steps)
                part = order[start : start + BATCH]
                logits = model(**self.inputs([self.texts[index] for index in part])).logits
                loss = F.cross_entropy(logits, torch.tensor([self.classes[index] for index in part]))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                step += 1
        model.eval()
        predicted = []
        with torch.inference_mode():
            for start in range(0, len(self.tested), 64):
                predicted += model(**self.inputs(self.tested[start : start + 64])).logits.argmax(-1).tolist()
        return self.accuracy(predicted)


def main(base, draws, seeds, methods, out):
    torch.set_num_threads(2)
    out = pathlib.Path(out)
    text = out.read_text() if out.exists() else ""
    known = {tuple(line.split()[:2]) for line in text.splitlines() if line[0] != "#"}
    with out.open("a") as file:
        if not known:
            print("# seed, method, accuracy on the test set, seconds; by ops/bench/few_labels.py", file=file, flush=True)
        for method in methods.split(","):
            for seed in seeds.split(","):
                if (seed, method) in known:
                    continue
                baselines = Baselines(base, draws, int(seed))
                began = time.monotonic()
                accuracy = getattr(baselines, method)()
                print(seed, method, f"{accuracy:.4f} {time.monotonic() - began:.0f}", file=file, flush=True)


if len(sys.argv) != 6 or not set(sys.argv[4].split(",")) <= {"tfidf", "lr", "setfit", "ft"}:
    sys.exit(__doc__)
main(*sys.argv[1:])
