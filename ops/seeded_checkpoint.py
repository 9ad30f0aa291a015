"""Random-weight checkpoints that Swift (Tests/TestSupport/SeededCheckpoint.swift) writes byte for byte alike.

Element i of a tensor depends on the seed, the tensor's name and i alone:

    key   = mix(seed + fnv1a64(name))                        name without `bert.`/`distilbert.`, ending in weight or bias
    bits  = mix(key + (i / 2 + 1) * 0x9E3779B97F4A7C15)      mix: the finaliser of SplitMix64, modulo 2^64
    u     = bits >> 40 for even i, (bits >> 16) & 0xFFFFFF for odd i
    value = centre + (u - 2^23) * (spread / 2^23)            in float32, each operation rounded once

A layer norm's weight has centre 1 and spread 1/4; everything else has centre 0 and the checkpoint's spread.
Needs numpy alone.
"""

import json
import os
from dataclasses import dataclass

import numpy as np

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
CLS, SEP = 2, 3


def fnv1a64(data, state=0xCBF29CE484222325):
    for byte in data:
        state = ((state ^ byte) * 0x100000001B3) & MASK
    return state


def mix(z):
    """SplitMix64's finaliser on a uint64 array."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def stream(seed, name, count):
    """The first `count` 64-bit numbers of the stream `name`."""
    key = mix(np.array([(seed + fnv1a64(name.encode())) & MASK], dtype=np.uint64))
    return mix(key + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(GOLDEN))


def floats(seed, name, count, centre, spread):
    bits = stream(seed, name, (count + 1) // 2)
    u = np.stack([bits >> np.uint64(40), (bits >> np.uint64(16)) & np.uint64(0xFFFFFF)], axis=1).reshape(-1)[:count]
    x = (u.astype(np.int32) - np.int32(1 << 23)).astype(np.float32)
    return np.float32(centre) + x * (np.float32(spread) * np.float32(2.0**-23))


def stored(values, dtype):
    """float32 values as the bytes of a safetensors element type, rounded to nearest even."""
    if dtype == "F32":
        return values.astype("<f4").tobytes()
    if dtype == "F16":
        return values.astype("<f2").tobytes()
    bits = values.view(np.uint32)
    return ((bits + np.uint32(0x7FFF) + ((bits >> np.uint32(16)) & np.uint32(1))) >> np.uint32(16)).astype("<u2").tobytes()


@dataclass
class SeededCheckpoint:
    """The options of one checkpoint; the field names are those of Golden/models.json."""

    family: str  # "bert" or "distilbert"
    hidden: int
    layers: int
    heads: int
    intermediate: int
    vocabulary: int
    positions: int = 512
    token_types: int = 2  # BERT only
    activation: str = "gelu"
    labels: int = 0  # 0: the encoder alone
    seed: int = 1
    spread: float = 0.0875
    dtype: str = "F32"
    shards: int = 1
    prefixed: bool = False
    gamma_beta: bool = False
    head: str = ""  # sequence, token, answer, masked_lm, pretraining (BERT), choice; "": sequence where there are labels, else none
    label_names: tuple = ()  # in place of LABEL_0, LABEL_1, …
    problem_type: str = ""
    own_decoder: bool = False  # of a masked-LM head, instead of the word embeddings
    lowercase: bool = True  # of the tokenizer
    extra_words: tuple = ()  # the last entries of the vocabulary

    def __post_init__(self):
        self.labels = self.labels or len(self.label_names)
        if not self.head and self.labels:
            self.head = "sequence"

    def tensors(self):
        """(name, shape) of every tensor in the order of the file, by canonical names."""
        h, out = self.hidden, []

        def linear(name, rows, columns):
            out.append((name + ".weight", [rows, columns]))
            out.append((name + ".bias", [rows]))

        def norm(name):
            out.append((name + ".weight", [h]))
            out.append((name + ".bias", [h]))

        bert = self.family == "bert"
        out.append(("embeddings.word_embeddings.weight", [self.vocabulary, h]))
        out.append(("embeddings.position_embeddings.weight", [self.positions, h]))
        if bert:
            out.append(("embeddings.token_type_embeddings.weight", [self.token_types, h]))
        norm("embeddings.LayerNorm")
        for i in range(self.layers):
            p = f"encoder.layer.{i}." if bert else f"transformer.layer.{i}."
            for part in ("self.query", "self.key", "self.value") if bert else ("q_lin", "k_lin", "v_lin"):
                linear(p + "attention." + part, h, h)
            linear(p + ("attention.output.dense" if bert else "attention.out_lin"), h, h)
            norm(p + ("attention.output.LayerNorm" if bert else "sa_layer_norm"))
            linear(p + ("intermediate.dense" if bert else "ffn.lin1"), self.intermediate, h)
            linear(p + ("output.dense" if bert else "ffn.lin2"), h, self.intermediate)
            norm(p + ("output.LayerNorm" if bert else "output_layer_norm"))
        if bert and self.head in ("", "sequence", "choice", "pretraining"):
            linear("pooler.dense", h, h)
        if not bert and self.head in ("sequence", "choice"):
            linear("pre_classifier", h, h)
        if self.head in ("sequence", "token"):
            linear("classifier", self.labels, h)
        if self.head == "choice":
            linear("classifier", 1, h)
        if self.head == "answer":
            linear("qa_outputs", 2, h)
        if self.head in ("masked_lm", "pretraining"):
            linear("cls.predictions.transform.dense" if bert else "vocab_transform", h, h)
            norm("cls.predictions.transform.LayerNorm" if bert else "vocab_layer_norm")
            if self.own_decoder:
                decoder = "cls.predictions.decoder.weight" if bert else "vocab_projector.weight"
                out.append((decoder, [self.vocabulary, h]))
            out.append(("cls.predictions.bias" if bert else "vocab_projector.bias", [self.vocabulary]))
        if self.head == "pretraining":
            linear("cls.seq_relationship", 2, h)
        return out

    def file_name(self, canonical):
        """The name that a tensor has in the file."""
        name = canonical
        if self.gamma_beta and "LayerNorm." in name:
            name = name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta")
        heads = ("classifier", "pre_classifier", "qa_outputs", "cls.", "vocab_", "linear.", "residual.", "norm.")
        if self.prefixed and not canonical.startswith(heads):
            name = f"{self.family}.{name}"
        return name

    def values(self, canonical, shape):
        norm = canonical.endswith(("LayerNorm.weight", "layer_norm.weight"))
        count = int(np.prod(shape))
        return floats(self.seed, canonical, count, 1.0 if norm else 0.0, 0.25 if norm else self.spread)

    def token_ids(self, length):
        """A sequence of `length` ids: [CLS], ordinary tokens, [SEP]; of one token, [CLS] alone."""
        specials = len(SPECIALS)
        ids = stream(self.seed, f"input_ids.{length}", length) % np.uint64(self.vocabulary - specials) + np.uint64(specials)
        ids = [int(i) for i in ids]
        ids[0] = CLS
        if length > 1:
            ids[-1] = SEP
        return ids

    # Files

    def architecture(self):
        name = "Bert" if self.family == "bert" else "DistilBert"
        return name + {
            "": "Model", "sequence": "ForSequenceClassification", "token": "ForTokenClassification",
            "answer": "ForQuestionAnswering", "masked_lm": "ForMaskedLM", "pretraining": "ForPreTraining",
            "choice": "ForMultipleChoice",
        }[self.head]

    def config(self):
        keys = [("architectures", [self.architecture()]), ("model_type", self.family)]
        if self.family == "bert":
            keys += [
                ("hidden_size", self.hidden),
                ("num_hidden_layers", self.layers),
                ("num_attention_heads", self.heads),
                ("intermediate_size", self.intermediate),
                ("hidden_act", self.activation),
                ("type_vocab_size", self.token_types),
            ]
        else:
            keys += [
                ("dim", self.hidden),
                ("n_layers", self.layers),
                ("n_heads", self.heads),
                ("hidden_dim", self.intermediate),
                ("activation", self.activation),
            ]
        keys += [("vocab_size", self.vocabulary), ("max_position_embeddings", self.positions), ("pad_token_id", 0)]
        if self.labels:
            names = self.label_names or [f"LABEL_{i}" for i in range(self.labels)]
            keys += [("id2label", {str(i): name for i, name in enumerate(names)})]
            if self.label_names:
                keys += [("label2id", {name: i for i, name in enumerate(names)})]
        if self.problem_type:
            keys += [("problem_type", self.problem_type)]
        if self.own_decoder:
            keys += [("tie_word_embeddings", False)]
        return keys

    def vocabulary_entries(self):
        """Specials, ASCII, continued letters and digits, then aa, ##aa, ab, ##ab, … zz, ##zz, aaa, ##aaa, …, and extras"""
        letters = "abcdefghijklmnopqrstuvwxyz"
        entries = SPECIALS + [chr(c) for c in range(33, 127) if not 65 <= c <= 90]
        entries += ["##" + c for c in letters + "0123456789"]
        assert self.vocabulary >= len(entries)
        words, length = [], 2
        while len(entries) + 2 * len(words) < self.vocabulary:
            for n in range(26**length):
                word = ""
                for _ in range(length):
                    word = letters[n % 26] + word
                    n //= 26
                words.append(word)
            length += 1
        for word in words:
            entries += [word, "##" + word]
        return entries[: self.vocabulary - len(self.extra_words)] + list(self.extra_words)

    def write(self, folder):
        """Writes config.json, the weights, vocab.txt and tokenizer_config.json."""
        os.makedirs(folder, exist_ok=True)

        def text(name, content):
            with open(os.path.join(folder, name), "w", encoding="utf-8", newline="\n") as file:
                file.write(content)

        text("config.json", object_text(self.config()))
        text("vocab.txt", "".join(entry + "\n" for entry in self.vocabulary_entries()))
        tokenizer = [
            ("do_lower_case", self.lowercase),
            ("model_max_length", self.positions),
            ("tokenizer_class", "BertTokenizer" if self.family == "bert" else "DistilBertTokenizer"),
        ]
        text("tokenizer_config.json", object_text(tokenizer))
        tensors = self.tensors()
        if self.shards == 1:
            self.write_safetensors(os.path.join(folder, "model.safetensors"), tensors)
            return
        width = {"F32": 4, "F16": 2, "BF16": 2}[self.dtype]
        weight_map, total = {}, 0
        for shard in range(self.shards):
            part = tensors[shard * len(tensors) // self.shards : (shard + 1) * len(tensors) // self.shards]
            name = f"model-{shard + 1:05d}-of-{self.shards:05d}.safetensors"
            self.write_safetensors(os.path.join(folder, name), part)
            for canonical, shape in part:
                weight_map[self.file_name(canonical)] = name
                total += int(np.prod(shape)) * width
        index = [("metadata", {"total_size": total}), ("weight_map", weight_map)]
        text("model.safetensors.index.json", object_text(index))

    def write_linear(self, folder, outputs, inputs):
        """A linear layer in a folder of its own, as a Dense module of sentence-transformers has it."""
        self.write_module(folder, [("linear.weight", [outputs, inputs]), ("linear.bias", [outputs])])

    def write_module(self, folder, tensors):
        """The tensors, (name, shape), of a module of sentence-transformers in a folder of its own."""
        os.makedirs(folder, exist_ok=True)
        self.write_safetensors(os.path.join(folder, "model.safetensors"), tensors)

    def write_safetensors(self, path, tensors):
        width = {"F32": 4, "F16": 2, "BF16": 2}[self.dtype]
        header, end = '{"__metadata__":{"format":"pt"}', 0
        for canonical, shape in tensors:
            begin, end = end, end + int(np.prod(shape)) * width
            sizes = ",".join(map(str, shape))
            header += f',"{self.file_name(canonical)}":{{"dtype":"{self.dtype}","shape":[{sizes}],"data_offsets":[{begin},{end}]}}'
        header = (header + "}").encode()
        header += b" " * (-len(header) % 8)
        with open(path, "wb") as file:
            file.write(len(header).to_bytes(8, "little"))
            file.write(header)
            for canonical, shape in tensors:
                file.write(stored(self.values(canonical, shape), self.dtype))


def object_text(pairs):
    """A JSON object, one member a line."""
    members = [f"  {json.dumps(key)}: {json.dumps(value, separators=(',', ':'))}" for key, value in pairs]
    return "{\n" + ",\n".join(members) + "\n}\n"


def folder_hash(folder):
    """FNV-1a over the names and contents of a folder's files, in the order of their names."""
    state = fnv1a64(b"")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), "rb") as file:
            state = fnv1a64(name.encode() + b"\0" + file.read(), state)
    return f"{state:016x}"
