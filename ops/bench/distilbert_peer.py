"""PyTorch's side of ops/bench/distilbert: python distilbert_peer.py TEACHER STUDENT BATCHES THREADS

Prints as JSON the losses of a step on each batch of the file BATCHES before it is made, from the student's weights and without
dropout: 5 · T² · KL of the teacher's and the student's words at T = 2, 2 · cross-entropy of the masked words, and 1 − cos of last
hidden states; AdamW with a rate that rises to 5e-4, gradients cut to a norm of 5. `benchmarks distillation-contender` has ours."""

import json
import pathlib
import sys

import torch
import torch.nn.functional as F
from transformers import BertForMaskedLM, DistilBertForMaskedLM


def groups(model):
    """No decay of biases and LayerNorms."""
    decaying, others = [], []
    for name, parameter in model.named_parameters():
        is_norm = "layer_norm" in name.lower() or "layernorm" in name.lower()
        (others if name.endswith("bias") or is_norm else decaying).append(parameter)
    return [{"params": decaying, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]


def main(teacher, student, batches, threads):
    torch.set_num_threads(int(threads))
    teacher = BertForMaskedLM.from_pretrained(teacher).eval()
    student = DistilBertForMaskedLM.from_pretrained(student).eval()
    optimizer = torch.optim.AdamW(groups(student), lr=0, betas=(0.9, 0.98), eps=1e-6)
    losses = []
    for step, line in enumerate(pathlib.Path(batches).read_text().splitlines()):
        batch = json.loads(line)
        width = max(map(len, batch["ids"]))
        ids = torch.tensor([sequence + [0] * (width - len(sequence)) for sequence in batch["ids"]])
        mask = torch.tensor([[1] * len(sequence) + [0] * (width - len(sequence)) for sequence in batch["ids"]])
        real = mask.bool()
        # Rows are counted over all sequences, end to end.
        rows, words = torch.tensor(batch["rows"]), torch.tensor(batch["words"])
        with torch.inference_mode():
            wanted = teacher(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        made = student(input_ids=ids, attention_mask=mask, output_hidden_states=True)
        theirs, ours = wanted.logits[real][rows].clone(), made.logits[real][rows]
        hidden = F.cosine_similarity(made.hidden_states[-1][real], wanted.hidden_states[-1][real].clone(), dim=-1)
        loss = (
            5 * 4 * F.kl_div(F.log_softmax(ours / 2, -1), F.softmax(theirs / 2, -1), reduction="batchmean")
            + 2 * F.cross_entropy(ours, words)
            + (1 - hidden).mean()
        )
        losses.append(loss.item())
        for group in optimizer.param_groups:
            group["lr"] = 5e-4 * (step + 1) / 50
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 5)
        optimizer.step()
    print(json.dumps(losses))


if len(sys.argv) != 5:
    sys.exit(__doc__)
main(*sys.argv[1:])
