"""PyTorch as a contender that trains, driven by lines on standard input (Sources/benchmarks/LineProtocol.swift).

    training_peer.py fp32|bf16 eager|compiled THREADS MODEL WORKLOADS

MODEL is a Hugging Face folder of a BertForSequenceClassification; what it says of dropout holds. WORKLOADS is a folder of
files NAME.jsonl, one batch per line: {"ids": [[token id, …], …], "labels": [class, …]}. The process says `ready`, then
answers

    run NAME      milliseconds of one pass: for each batch in order the forward pass, the cross-entropy, the backward pass,
                  clipping of the gradients' norm to 1 and a step of AdamW (rate 2e-5, decay 0.01, fused). Passes go on with
                  the weights that the last one left
    losses NAME   the losses of the batches of one pass as JSON, from MODEL's weights, without dropout and not compiled; what
                  follows starts from MODEL's weights again

`benchmarks training-contender MODEL WORKLOADS --precision fp32|bf16 --threads N` answers the same lines with ours. As
PyTorch's users do, sequences are padded to the batch's longest, bf16 is autocast, and a compiled model is compiled for any
length; padding is made beforehand and a mask left out where it hides nothing.
"""

import json
import pathlib
import sys
import time

import torch
import torch.nn.functional as F
from transformers import BertForSequenceClassification

RATE, DECAY, MOST_NORM = 2e-5, 0.01, 1.0


def batches(path):
    """(inputs, labels) of each batch."""
    result = []
    for line in path.read_text().splitlines():
        batch = json.loads(line)
        width = max(map(len, batch["ids"]))
        ids = torch.tensor([sequence + [0] * (width - len(sequence)) for sequence in batch["ids"]])
        mask = torch.tensor([[1] * len(sequence) + [0] * (width - len(sequence)) for sequence in batch["ids"]])
        inputs = {"input_ids": ids} if mask.all() else {"input_ids": ids, "attention_mask": mask}
        result.append((inputs, torch.tensor(batch["labels"])))
    return result


class Trainer:
    def __init__(self, folder, precision, compiled):
        self.model = BertForSequenceClassification.from_pretrained(folder)
        self.start = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.bf16 = precision == "bf16"
        self.compiled = torch.compile(self.model, dynamic=True) if compiled else self.model
        self.reset()

    def reset(self):
        self.model.load_state_dict(self.start)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=RATE, weight_decay=DECAY, fused=True)

    def step(self, forward, inputs, labels):
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.bf16):
            logits = forward(**inputs).logits
            loss = F.cross_entropy(logits.float(), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), MOST_NORM)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return loss

    def run(self, work):
        self.model.train()
        began = time.perf_counter()
        for inputs, labels in work:
            self.step(self.compiled, inputs, labels)
        return f"{(time.perf_counter() - began) * 1e3:.6f}"

    def losses(self, work):
        self.reset()
        self.model.eval()
        result = [self.step(self.model, inputs, labels).item() for inputs, labels in work]
        self.reset()
        return json.dumps(result)


def main(precision, how, threads, folder, workloads):
    torch.set_num_threads(int(threads))
    torch.set_num_interop_threads(1)
    torch.manual_seed(1)
    trainer = Trainer(folder, precision, {"eager": False, "compiled": True}[how])
    loaded = {}
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, name = line.strip().partition(" ")
        try:
            if name not in loaded:
                loaded[name] = batches(pathlib.Path(workloads) / f"{name}.jsonl")
            answers = {"run": trainer.run, "losses": trainer.losses}
            print(answers[command](loaded[name]), flush=True)
        except Exception as error:
            print(f"error {type(error).__name__} {' '.join(str(error).split())}", flush=True)


if len(sys.argv) != 6 or sys.argv[1] not in ("fp32", "bf16") or sys.argv[2] not in ("eager", "compiled"):
    sys.exit(__doc__)
main(*sys.argv[1:])
