"""The comparison of precisions by accuracy: see ops/bench/accuracy, which calls this."""

import argparse
import json
import pathlib
import tempfile

import contest

MAX_TOKENS = 128
STEP_TOKENS = 512


def best(rows):
    return [max(range(len(row)), key=row.__getitem__) for row in rows]


def pytorch(folder, sequences):
    """Logits by PyTorch in fp32, in batches of like length."""
    import peer
    import torch
    from transformers import BertForSequenceClassification

    model = BertForSequenceClassification.from_pretrained(folder).eval()
    order = sorted(range(len(sequences)), key=lambda index: len(sequences[index]))
    result = {}
    with torch.inference_mode():
        for start in range(0, len(order), 16):
            batch = order[start : start + 16]
            ids, mask = map(torch.from_numpy, peer.padded([sequences[index] for index in batch]))
            result.update(zip(batch, model(input_ids=ids, attention_mask=mask).logits.tolist()))
    return [result[index] for index in range(len(sequences))]


def main():
    parser = argparse.ArgumentParser(prog="ops/bench/accuracy")
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("task")
    parser.add_argument("--precision", default="fp32")
    parser.add_argument("--texts", type=int, default=4000)
    arguments = parser.parse_args()
    from tokenizers import BertWordPieceTokenizer

    folder = pathlib.Path(arguments.folder)
    encode = BertWordPieceTokenizer(str(folder / "vocab.txt"), lowercase=True)
    encode.enable_truncation(MAX_TOKENS)
    with open(folder / "test.jsonl") as file:
        tests = [json.loads(line) for line in file][: arguments.texts]
    numbers = json.loads((folder / "config.json").read_text())["label2id"]
    wanted = [numbers[test["label"]] for test in tests]
    sequences = [encoding.ids for encoding in encode.encode_batch([test["text"] for test in tests])]
    steps = [[]]
    for sequence in sequences:
        if steps[-1] and sum(map(len, steps[-1])) + len(sequence) > STEP_TOKENS:
            steps.append([])
        steps[-1].append(sequence)

    def accuracy(labels):
        return sum(a == b for a, b in zip(labels, wanted, strict=True)) / len(wanted)

    reference = pytorch(folder, sequences)
    reference_labels = best(reference)
    largest = max(abs(value) for row in reference for value in row)
    base = accuracy(reference_labels)
    print(f"{arguments.task}: {len(tests)} texts; PyTorch fp32 {base:.2%}")
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary) / "workloads.json"
        path.write_text(json.dumps({"test": steps}))
        for precision in arguments.precision.split(","):
            command = [arguments.program, "engine-contender", str(folder), str(path), "--variant", precision]
            with contest.Contenders() as contenders:
                logits = json.loads(contenders.add("distillery", command, "0").ask("answer test"))
            labels = best(logits)
            changed = sum(a != b for a, b in zip(labels, reference_labels, strict=True))
            difference = max(
                abs(a - b) for ours, theirs in zip(logits, reference, strict=True) for a, b in zip(ours, theirs)
            )
            text = (
                f"{accuracy(labels):.2%} of {len(tests)} texts right, {accuracy(labels) / base:.2%} of PyTorch fp32's "
                f"{base:.2%}; {changed} labels differ from PyTorch fp32's; logits differ by at most "
                f"{difference / largest:.1e} of the largest"
            )
            entry = {"text": text, "accuracy": accuracy(labels), "reference": base, "labels_changed": changed}
            contest.store("accuracy of a fine-tuned classifier on unseen texts", f"{arguments.task} {precision}", entry)
            print(f"{precision}: {text}", flush=True)


main()
