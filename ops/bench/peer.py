"""One peer as a contender of a comparison, driven by lines on standard input (Sources/benchmarks/LineProtocol.swift).

    peer.py pytorch|onnxruntime|openvino|onnxruntime-start|openvino-start|tokenizers PRECISION THREADS MODELS WORKLOADS

MODELS is the folder that prepare.py fills. WORKLOADS is a JSON file: by name, a list of batches, each a list of
sequences of token ids (for `tokenizers`: texts, a JSON string a line). The process says `ready`, then answers

    run WORKLOAD      milliseconds of one pass over all its batches, to logits; for the -start peers, of creating a
                      session, and for `tokenizers`, of tokenising all texts
    repeat WORKLOAD SECONDS   the milliseconds of pass after pass, a JSON list
    answer WORKLOAD   the logits, or the ids, as JSON
    precision         what the peer really computes with

Sequences of different lengths are padded to a batch's longest, as these engines need it; inputs are made beforehand.
"""

import json
import os
import sys
import time

import numpy as np


def padded(batch):
    """ids and mask of a batch, [B, longest] int64."""
    width = max(len(sequence) for sequence in batch)
    ids = np.zeros((len(batch), width), dtype=np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return ids, mask


class PyTorch:
    def __init__(self, models, precision, threads):
        import torch
        from transformers import DistilBertForSequenceClassification

        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
        self.torch = torch
        self.precision = precision
        self.model = DistilBertForSequenceClassification.from_pretrained(f"{models}/distilbert-base/1")
        self.model = self.model.eval().to({"fp32": torch.float32, "bf16": torch.bfloat16}[precision])

    def prepare(self, ids, mask):
        # Without padding the mask is left out: attention is faster so.
        return self.torch.from_numpy(ids), None if mask.all() else self.torch.from_numpy(mask)

    def forward(self, inputs):
        with self.torch.inference_mode():
            return self.model(input_ids=inputs[0], attention_mask=inputs[1]).logits.float().numpy()


class ONNXRuntime:
    def __init__(self, models, precision, threads):
        import onnxruntime

        self.precision = precision
        self.path = f"{models}/../onnx/" + {"fp32": "distilbert-fused.onnx", "int8": "distilbert-int8.onnx"}[precision]
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads = threads
        self.options.inter_op_num_threads = 1
        self.create = lambda: onnxruntime.InferenceSession(
            self.path, self.options, providers=["CPUExecutionProvider"]
        )
        self.session = self.create()

    def prepare(self, ids, mask):
        return {"input_ids": ids, "attention_mask": mask}

    def forward(self, inputs):
        return self.session.run(None, inputs)[0]


class OpenVINO:
    def __init__(self, models, precision, threads):
        import openvino

        path = f"{models}/../onnx/" + {"int8": "distilbert-int8.xml"}.get(precision, "distilbert.xml")
        core = openvino.Core()
        settings = {
            "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self.create = lambda: core.compile_model(path, "CPU", settings)
        compiled = self.create()
        # On a CPU without it, bf16 is a hint that is not followed.
        used = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        self.precision = "int8" if precision == "int8" else {"f32": "fp32"}.get(used, used)
        self.request = compiled.create_infer_request()

    def prepare(self, ids, mask):
        return {"input_ids": ids, "attention_mask": mask}

    def forward(self, inputs):
        return next(iter(self.request.infer(inputs).values()))


def milliseconds(body):
    began = time.perf_counter()
    body()
    return f"{(time.perf_counter() - began) * 1e3:.6f}"


def engine(kind, models, precision, threads, path):
    peer = kind(models, precision, threads)
    with open(path) as file:
        work = json.load(file)
    prepared = {}

    def inputs(name):
        if name not in prepared:
            prepared[name] = [peer.prepare(*padded(batch)) for batch in work[name]]
        return prepared[name]

    def answer(command, name):
        if command == "precision":
            return peer.precision
        name, *seconds = name.split()
        batches = inputs(name)
        if command == "repeat":
            times, end = [], time.perf_counter() + float(seconds[0])
            while time.perf_counter() < end:
                times.append(float(milliseconds(lambda: [peer.forward(batch) for batch in batches])))
            return json.dumps(times)
        if command == "answer":
            return json.dumps([row for batch in batches for row in peer.forward(batch).tolist()])
        return milliseconds(lambda: [peer.forward(batch) for batch in batches])

    return answer


def start(kind, models, precision, threads):
    peer = kind(models, precision, threads)
    return lambda command, name: milliseconds(peer.create)


def tokenizers(folder, path):
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(f"{folder}/tokenizer.json")
    tokenizer.no_padding()
    tokenizer.no_truncation()
    with open(path) as file:
        texts = [json.loads(line) for line in file]

    def answer(command, name):
        if command == "answer":
            return json.dumps([tokenizer.encode(text).ids for text in texts])
        # The fastest way that the library has: one call for all, without offsets.
        return milliseconds(lambda: tokenizer.encode_batch_fast(texts))

    return answer


def main(name, precision, threads, models, path):
    kinds = {"pytorch": PyTorch, "onnxruntime": ONNXRuntime, "openvino": OpenVINO}
    if name == "tokenizers":
        answer = tokenizers(models, path)
    elif name.endswith("-start"):
        answer = start(kinds[name.removesuffix("-start")], models, precision, int(threads))
    else:
        answer = engine(kinds[name], models, precision, int(threads), path)
    print("ready", flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        try:
            print(answer(command, argument), flush=True)
        except Exception as error:  # The driver shows it and stops.
            print(f"error {error!r}".replace("\n", " "), flush=True)


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    main(*sys.argv[1:])
