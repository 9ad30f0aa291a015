"""Saves small models of every kind as one release of transformers and sentence-transformers does, and what it answers.

    ~/.cache/distillery/references/RELEASE/bin/python ops/references/folders.py OUT

Writes OUT/models/NAME/1, and OUT/cases/NAME.jsonl with a line for each task: {"task", "cases", "refused"}, the last for inputs that
the release itself does not answer. What a release does not have is written to OUT/missing.txt. Runs with every release, old ones
too; ops/compare-folders is what calls it.
"""

import inspect
import json
import pathlib
import sys
import traceback
import unicodedata

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from answers import CHOICES, LABELS, LONG, MASKED, QUERIES, QUESTIONS, TEXTS, Reference  # noqa: E402

import torch  # noqa: E402
import transformers  # noqa: E402

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
POSITIONS, WIDTH = 64, 32
LABEL_NAMES = ["low", "Middle", "high é"]
ENTITIES = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "MISC"]

# The head, and what its configuration says.
HEADS = {
    "encoder": ("Model", {}),
    "labels": ("ForSequenceClassification", dict(names=LABEL_NAMES)),
    "entailment": ("ForSequenceClassification", dict(names=["contradiction", "neutral", "entailment"])),
    "two": ("ForSequenceClassification", {}),
    "many": ("ForSequenceClassification", dict(num_labels=4, problem_type="multi_label_classification")),
    "value": ("ForSequenceClassification", dict(num_labels=1, problem_type="regression")),
    "one": ("ForSequenceClassification", dict(num_labels=1)),
    "entities": ("ForTokenClassification", dict(names=ENTITIES)),
    "answers": ("ForQuestionAnswering", {}),
    "masked": ("ForMaskedLM", {}),
    "choice": ("ForMultipleChoice", {}),
    "pretraining": ("ForPreTraining", {}),
}
# The one folder whose weights stay a pickle.
PICKLED = "other-pickle"
# The modes of pooling whose key is not their name.
KEYS = {"cls": "cls_token", "mean": "mean_tokens", "max": "max_tokens", "weightedmean": "weightedmean_tokens"}
# The newest releases have but one tokenizer of BERT, under both names.
HAS_SLOW = getattr(transformers, "BertTokenizerFast", None) is not transformers.BertTokenizer
KINDS = ["slow", "fast", "bare"] if HAS_SLOW else ["fast", "bare"]


class Missing(Exception):
    """The release does not have this."""


def vocabulary(lowercase):
    """Every character of the texts, alone and continuing a word, and the shorter half of the words."""
    given = [*TEXTS, LONG, *LABELS, *QUERIES, *CHOICES, *MASKED, *[question for question, _ in QUESTIONS],
             "This example is .", "new york: query passage distillery"]
    text = " ".join(given)
    text += " " + "".join(character for character in unicodedata.normalize("NFD", text))
    forms = {text, text.lower(), unicodedata.normalize("NFD", text.lower())}
    forms = {"".join(c if c.isalnum() or unicodedata.category(c) == "Mn" else f" {c} " for c in form) for form in forms}
    words = sorted({word for form in forms for word in form.split()})
    if lowercase:
        words = [word for word in words if word == word.lower()]
    characters = sorted({character for word in words for character in word})
    whole = [word for word in words if 1 < len(word) and len(word) % 2 == 1]
    return SPECIALS + characters + ["##" + character for character in characters] + whole


def tokenizer(kind, lowercase, family="bert", folder=None, **options):
    """A tokenizer of the release, with a vocabulary made here."""
    entries = vocabulary(lowercase)
    path = pathlib.Path(folder, "vocab.txt")
    path.write_text("".join(entry + "\n" for entry in entries))
    named = dict(model_max_length=POSITIONS) | options
    name = "BertTokenizer" if family == "bert" else "DistilBertTokenizer"
    if kind == "bare":
        from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

        plain = Tokenizer(models.WordPiece({entry: i for i, entry in enumerate(entries)}, unk_token="[UNK]"))
        plain.normalizer = normalizers.BertNormalizer(lowercase=lowercase)
        plain.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        plain.decoder = decoders.WordPiece()
        plain.post_processor = processors.TemplateProcessing(
            single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)])
        if family == "distilbert":
            named = dict(model_input_names=["input_ids", "attention_mask"]) | named
        special = dict(pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", mask_token="[MASK]")
        return transformers.PreTrainedTokenizerFast(tokenizer_object=plain, **special, **named)
    if kind == "slow" and not HAS_SLOW:
        raise Missing(f"{name} is {name}Fast")
    kind_class = getattr(transformers, name + ("Fast" if kind == "fast" else ""))
    # In a folder with vocab.txt alone both families find what they need.
    return kind_class.from_pretrained(str(folder), do_lower_case=lowercase, **named)


def randomise(network, seed):
    """Random weights, large enough that answers differ from each other."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            values = torch.randn(parameter.shape, generator=generator) * 0.3
            parameter.copy_(1 + values / 3 if name.endswith(("LayerNorm.weight", "layer_norm.weight")) else values)
    return network.eval()


def configuration(family, entries, names=None, **options):
    if names:
        options |= dict(id2label=dict(enumerate(names)), label2id={name: i for i, name in enumerate(names)})
    sizes = dict(vocab_size=entries, max_position_embeddings=POSITIONS)
    if family == "bert":
        return transformers.BertConfig(hidden_size=WIDTH, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
                                       **sizes, **options)
    return transformers.DistilBertConfig(dim=WIDTH, n_layers=2, n_heads=2, hidden_dim=64, **sizes, **options)


class Folders:
    def __init__(self, out):
        self.out, self.missing, self.count = pathlib.Path(out), [], 0
        self.scratch = self.out / "scratch"
        for folder in (self.scratch, self.out / "models", self.out / "cases"):
            folder.mkdir(parents=True, exist_ok=True)

    def add(self, name, save, tasks=None):
        """Saves a folder with `save(path)`, asks the release about it, and writes both."""
        folder, cases = self.out / "models" / name / "1", self.out / "cases" / f"{name}.jsonl"
        folder.mkdir(parents=True)
        try:
            save(folder)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = "" if isinstance(error, Missing) else f" ({pathlib.Path(last.filename).name}:{last.lineno})"
            self.missing.append(f"{name}: {type(error).__name__} {str(error).splitlines()[0][:200] if str(error) else ''}{where}")
            self.remove(folder.parent)
            return
        reference = Reference(folder)
        lines = [self.asked(reference, task) for task in tasks or reference.tasks()]
        if name != PICKLED:
            self.convert(folder)
        cases.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.count += 1

    def asked(self, reference, task):
        """The cases of a task, and those inputs that the release does not answer."""
        cases, refused = [], []
        for given, options in reference.inputs(task):
            try:
                cases += [case for case in reference.cases(task, [(given, options)]) if case]
            except BaseException as error:  # a panic of tokenizers is no Exception
                if isinstance(error, (KeyboardInterrupt, SystemExit)):
                    raise
                refused.append(dict(task=task, input=given, options=options, error=f"{type(error).__name__}: {error}"[:300]))
        return dict(task=task, cases=cases, refused=refused)

    def convert(self, folder):
        """Makes of weights that a release writes as pickles, and alone reads, what the server's refusal asks for."""
        from safetensors.torch import save_file

        for path in folder.rglob("pytorch_model.bin"):
            weights = torch.load(path, map_location="cpu", weights_only=True)
            save_file({name: values.clone().contiguous() for name, values in weights.items()}, path.with_name("model.safetensors"),
                      metadata={"format": "pt"})
            path.unlink()

    def remove(self, folder):
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()

    def network(self, head, family="bert", seed=1, entries=None, **options):
        suffix, own = HEADS[head]
        kind = ("Bert" if family == "bert" else "DistilBert") + suffix
        if not hasattr(transformers, kind):
            raise Missing(f"there is no {kind}")
        config = configuration(family, entries or len(vocabulary(True)), **(own | options))
        return randomise(getattr(transformers, kind)(config), seed)

    # MARK: heads

    def heads(self):
        for family in ("bert", "distilbert"):
            for place, head in enumerate(HEADS):
                if (family, head) == ("distilbert", "pretraining"):
                    continue
                everything = [(kind, lowercase) for kind in KINDS for lowercase in (True, False)]
                # Every tokenizer with the first two; three of the six with each other head.
                for kind, lowercase in everything if place < 2 else everything[place % 2::2]:
                    name = f"{family}-{head}-{kind}-{'lower' if lowercase else 'cased'}"
                    self.add(name, lambda folder: self.head(folder, family, head, kind, lowercase))

    def head(self, folder, family, head, kind, lowercase, save={}, change=lambda network: network, tokenizing={},
             tokenizer_of=None, **options):
        made = tokenizer(kind, lowercase, tokenizer_of or family, self.scratch, **tokenizing)
        network = self.network(head, family, seed=sum(folder.parent.name.encode()), entries=len(made), **options)
        changed = change(network)
        changed.save_pretrained(str(folder), **(dict(safe_serialization=True) | save))
        made.save_pretrained(str(folder))

    # MARK: what else folders have

    def others(self):
        def add(name, head="labels", kind="fast", lowercase=True, family="bert", after=None, tasks=None, **options):
            def save(folder):
                self.head(folder, family, head, kind, lowercase, **options)
                if after:
                    after(folder)

            self.add(f"other-{name}", save, tasks)

        add("half", change=lambda network: network.half())
        add("bfloat16", change=lambda network: network.bfloat16(), family="distilbert")
        add("shards", save=dict(max_shard_size="20KB"))
        add("pickle", save=dict(safe_serialization=False))
        for activation in ("gelu_new", "relu", "silu", "gelu_pytorch_tanh", "gelu_fast", "quick_gelu", "tanh"):
            add(f"activation-{activation}", hidden_act=activation)
            add(f"activation-distil-{activation}", family="distilbert", activation=activation)
        for strip in (True, False):
            for lowercase in (True, False):
                for kind in ("slow", "fast"):
                    add(f"strip-accents-{strip}-{'lower' if lowercase else 'cased'}-{kind}".lower(), kind=kind, lowercase=lowercase,
                        head="encoder", tokenizing=dict(strip_accents=strip), tasks=["tokenize"])
        for kind in ("slow", "fast"):
            add(f"no-chinese-{kind}", kind=kind, head="encoder", tokenizing=dict(tokenize_chinese_chars=False), tasks=["tokenize"])
        add("no-basic", kind="slow", head="encoder", tokenizing=dict(do_basic_tokenize=False), tasks=["tokenize"])
        add("never-split", kind="slow", head="encoder", tokenizing=dict(never_split=["fox."]), tasks=["tokenize"])
        for kind in ("slow", "fast", "bare"):
            add(f"no-length-{kind}", kind=kind, tokenizing=dict(model_max_length=int(1e30)))
        names = ["input_ids", "token_type_ids", "attention_mask"]
        add("token-types", family="distilbert", kind="bare", tokenizing=dict(model_input_names=names))
        add("types-bare", kind="bare", tokenizing=dict(model_input_names=names))
        for kind in ("fast", "bare"):
            add(f"no-types-{kind}", kind=kind, tokenizing=dict(model_input_names=["input_ids", "attention_mask"]))
        for head in ("labels", "encoder", "entities", "answers", "masked", "choice", "one"):
            add(f"tokenizer-of-bert-{head}", head=head, family="distilbert", tokenizer_of="bert")
        add("extra-special-tokens", head="encoder", tokenizing=dict(extra_special_tokens=dict(image_token="a")), tasks=["tokenize"])
        add("split-special-tokens", head="encoder", tokenizing=dict(split_special_tokens=True), tasks=["tokenize"])
        add("short-length", tokenizing=dict(model_max_length=16))
        add("left-padding", tokenizing=dict(padding_side="left"))
        add("left-truncation", tokenizing=dict(truncation_side="left"))
        add("names", head="encoder", tokenizing=dict(cls_token="a", sep_token="!"), tasks=["tokenize"])
        add("epsilon", layer_norm_eps=1e-5)
        add("no-pooler", head="encoder", change=self.without_pooler)
        add("untied", head="masked", tie_word_embeddings=False)
        add("untied-distil", head="masked", family="distilbert", tie_word_embeddings=False)
        add("sinusoids", family="distilbert", sinusoidal_pos_embds=True)
        add("relative", position_embedding_type="relative_key")
        add("three-types", type_vocab_size=3)
        add("one-type", type_vocab_size=1)
        add("decoder", is_decoder=True)
        add("next-sentence", head="encoder", change=lambda network: self.class_of("BertForNextSentencePrediction", network))
        add("causal", head="encoder", change=lambda network: self.class_of("BertLMHeadModel", network))
        add("labels-gaps", head="encoder", id2label={1: "A", 2: "B"})
        add("labels-gaps-masked", head="masked", id2label={1: "A", 2: "B"})
        add("labels-numbers", names=None, num_labels=3, after=lambda folder: self.edit(folder, id2label={"0": 1, "1": 2, "2": 3}))
        add("labels-numbers-masked", head="masked", after=lambda folder: self.edit(folder, id2label={"0": 0, "1": 1}))
        add("labels-fewer", names=None, num_labels=3, after=lambda folder: self.edit(folder, num_labels=5))
        add("labels-same", names=["same", "same", "other"])
        add("not-a-number", my_score=float("nan"))
        add("infinities", my_scores=[float("inf"), float("-inf")])
        add("nulls", problem_type=None, my_score=None)
        add("task-specific", task_specific_params={"x": {"y": 1}}, finetuning_task="sst-2")
        add("added-tokens", head="encoder", after=self.add_tokens)
        add("added-tokens-bare", head="encoder", kind="bare", after=self.add_tokens)
        add("added-special", head="encoder", after=lambda folder: self.add_tokens(folder, special=True))
        add("cut-and-padded", after=self.cut_and_pad)

    def class_of(self, name, network):
        if not hasattr(transformers, name):
            raise Missing(f"there is no {name}")
        return randomise(getattr(transformers, name)(network.config), 5)

    def without_pooler(self, network):
        return randomise(transformers.BertModel(network.config, add_pooling_layer=False), 3)

    def edit(self, folder, **keys):
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys, indent=2))

    def add_tokens(self, folder, special=False):
        made = transformers.AutoTokenizer.from_pretrained(str(folder))
        network = transformers.AutoModel.from_pretrained(str(folder))
        words = ["quick", "better than", "東京"]
        made.add_special_tokens(dict(additional_special_tokens=words)) if special else made.add_tokens(words)
        network.resize_token_embeddings(len(made))
        randomise(network, 7).save_pretrained(str(folder), safe_serialization=True)
        made.save_pretrained(str(folder))

    def cut_and_pad(self, folder):
        """tokenizer.json holds how the tokenizer was called last."""
        made = transformers.AutoTokenizer.from_pretrained(str(folder))
        made(["a", "b c"], truncation=True, max_length=12, padding="max_length")
        made.save_pretrained(str(folder))

    # MARK: module chains

    def chains(self):
        import sentence_transformers
        from sentence_transformers import models

        modes = ["cls", "max", "mean", "mean_sqrt_len_tokens", "weightedmean", "lasttoken"]
        activations = ["Identity", "Tanh", "ReLU", "GELU", "Sigmoid", "SiLU", "LeakyReLU", "ELU", "Softplus", "Hardtanh", "LogSigmoid"]

        def pooling(*which, **options):
            """By the booleans, which old releases alone take; else by name."""
            known = inspect.signature(models.Pooling.__init__).parameters
            keys = {mode: f"pooling_mode_{KEYS.get(mode, mode)}" for mode in modes}
            if keys["mean"] not in known:
                return models.Pooling(WIDTH, pooling_mode=list(which) if len(which) > 1 else which[0], **options)
            if missing := [mode for mode in which if keys[mode] not in known]:
                raise Missing(f"no pooling {', '.join(missing)}")
            return models.Pooling(WIDTH, **{key: mode in which for mode, key in keys.items() if key in known}, **options)

        def dense(inputs, outputs, activation="Tanh", **options):
            layer = models.Dense(inputs, outputs, activation_function=getattr(torch.nn, activation)(), **options)
            return randomise(layer, outputs)

        def chain(name, modules, family="bert", head="encoder", lowercase=True, transformer={}, finish=lambda model: model,
                  kind=KINDS[0], tasks=None, **options):
            def save(folder):
                base = self.scratch / f"base-{name}" / "1"
                self.head(base, family, head, kind, lowercase)
                first = models.Transformer(str(base), **transformer)
                model = sentence_transformers.SentenceTransformer(modules=[first, *modules()], device="cpu", **options)
                finish(model)
                model.save(str(folder))

            self.add(f"chain-{name}", save, tasks)

        for place, mode in enumerate(modes):
            chain(f"pooling-{mode}", lambda: [pooling(mode)], family=["bert", "distilbert"][place % 2])
        chain("pooling-named", lambda: [models.Pooling(WIDTH, pooling_mode="max")])
        chain("pooling-several", lambda: [pooling("mean", "max", "cls")])
        chain("pooling-all", lambda: [pooling(*modes)], family="distilbert")
        chain("normalize", lambda: [pooling("mean"), models.Normalize()])
        chain("no-prompt-pooled", lambda: [pooling("mean", include_prompt=False)], prompts=dict(query="new york: "),
              default_prompt_name="query")
        for activation in activations:
            chain(f"dense-{activation.lower()}", lambda: [pooling("mean"), dense(WIDTH, 16, activation)])
        chain("dense-no-bias", lambda: [pooling("mean"), dense(WIDTH, 8, "Identity", bias=False)])
        chain("dense-two", lambda: [pooling("mean", "max"), dense(2 * WIDTH, 48), dense(48, 8, "Identity"), models.Normalize()])
        chain("dense-before-normalize", lambda: [pooling("cls"), dense(WIDTH, WIDTH, "GELU"), models.Normalize()], "distilbert")
        chain("normalize-dense", lambda: [pooling("mean"), models.Normalize(), dense(WIDTH, 8)])
        chain("dropout", lambda: [pooling("mean"), models.Dropout(0.2)])
        chain("layer-norm", lambda: [pooling("mean"), randomise(models.LayerNorm(WIDTH), 9)])
        chain("weighted-layers", lambda: [models.WeightedLayerPooling(WIDTH, num_hidden_layers=2, layer_start=1), pooling("mean")])
        chain("cnn", lambda: [models.CNN(WIDTH, 16), models.Pooling(48)], tasks=["embed"])
        chain("lstm", lambda: [models.LSTM(WIDTH, 16), models.Pooling(32)], tasks=["embed"])
        chain("alone", lambda: [], tasks=["embed"])
        chain("prompts", lambda: [pooling("mean")], prompts=dict(query="new york: ", passage="passage É: ", document=""))
        chain("prompts-default", lambda: [pooling("mean")], prompts=dict(query="new york: "), default_prompt_name="query")
        chain("lower", lambda: [pooling("mean")], lowercase=False, transformer=dict(do_lower_case=True),
              tasks=["embed"])
        chain("cased", lambda: [pooling("mean")], lowercase=False)
        chain("bare", lambda: [pooling("mean")], lowercase=False, kind="bare")
        chain("length", lambda: [pooling("mean")], transformer=dict(max_seq_length=8))
        chain("length-later", lambda: [pooling("mean")], finish=lambda model: setattr(model, "max_seq_length", 12))
        chain("truncated", lambda: [pooling("mean")], truncate_dim=8)
        chain("similarity", lambda: [pooling("mean")], similarity_fn_name="dot")
        chain("from-classifier", lambda: [pooling("mean")], head="labels")
        chain("from-masked", lambda: [pooling("cls")], head="masked", family="distilbert")
        chain("half", lambda: [pooling("mean")], finish=lambda model: model.half())

        def plain(folder):
            base = self.scratch / "base-plain" / "1"
            self.head(base, "bert", "encoder", KINDS[0], True)
            sentence_transformers.SentenceTransformer(str(base), device="cpu").save(str(folder))

        self.add("chain-from-plain", plain)

        def static(folder):
            from tokenizers import Tokenizer, models as kinds, pre_tokenizers

            plain = Tokenizer(kinds.WordLevel({"a": 0, "[UNK]": 1}, unk_token="[UNK]"))
            plain.pre_tokenizer = pre_tokenizers.Whitespace()
            layer = models.StaticEmbedding(plain, embedding_dim=8)
            sentence_transformers.SentenceTransformer(modules=[layer], device="cpu").save(str(folder))

        self.add("chain-static", static, ["embed"])

        def sparse(folder):
            from sentence_transformers import SparseEncoder

            base = self.scratch / "base-sparse" / "1"
            self.head(base, "bert", "masked", KINDS[0], True)
            SparseEncoder(str(base), device="cpu").save(str(folder))

        self.add("chain-sparse", sparse, ["embed"])

        def cross(name, head, family="bert", lowercase=True, **options):
            def save(folder):
                base = self.scratch / f"cross-{name}" / "1"
                self.head(base, family, head, KINDS[0], lowercase)
                accepted = inspect.signature(sentence_transformers.CrossEncoder.__init__).parameters
                for key, older in (("activation_fn", "default_activation_function"), ("max_length", None)):
                    if key in options and key not in accepted and older in accepted:
                        options[older] = options.pop(key)
                encoder = sentence_transformers.CrossEncoder(str(base), device="cpu", **options)
                (encoder.save_pretrained if hasattr(encoder, "save_pretrained") else encoder.save)(str(folder))

            self.add(f"cross-{name}", save)

        for family in ("bert", "distilbert"):
            cross(f"one-{family}", "one", family)
        cross("value", "value")
        cross("cased", "one", lowercase=False)
        cross("from-encoder", "encoder", num_labels=1)
        cross("length", "one", max_length=20)
        cross("many", "labels", num_labels=3)
        cross("prompt", "one", prompts=dict(query="new york: "), default_prompt_name="query")
        for activation in ("Identity", "Sigmoid", "Tanh", "ReLU"):
            cross(f"activation-{activation.lower()}", "one", activation_fn=getattr(torch.nn, activation)())

        def modular(name, modules):
            def save(folder):
                if "modules" not in inspect.signature(sentence_transformers.CrossEncoder.__init__).parameters:
                    raise Missing("CrossEncoder takes no modules")
                base = self.scratch / f"modular-{name}" / "1"
                self.head(base, "bert", "encoder", KINDS[0], True)
                encoder = sentence_transformers.CrossEncoder(modules=[models.Transformer(str(base)), *modules()], device="cpu")
                encoder.save_pretrained(str(folder))

            self.add(f"cross-modules-{name}", save)

        def score(width, activation, outputs=1):
            named = "module_output_name" in inspect.signature(models.Dense.__init__).parameters
            return dense(width, outputs, activation, **(dict(module_output_name="scores") if named else {}))

        modular("identity", lambda: [pooling("cls"), score(WIDTH, "Identity")])
        modular("tanh", lambda: [pooling("mean"), score(WIDTH, "Tanh")])
        modular("many", lambda: [pooling("mean"), score(WIDTH, "Identity", outputs=3)])
        modular("two", lambda: [pooling("mean"), dense(WIDTH, 16, "GELU"), score(16, "Identity")])


def main(out):
    transformers.logging.set_verbosity_error()
    torch.set_num_threads(1)
    folders = Folders(out)
    folders.heads()
    folders.others()
    folders.chains()
    folders.remove(folders.scratch)
    (folders.out / "missing.txt").write_text("".join(line + "\n" for line in folders.missing))
    print(f"{folders.count} folders saved, {len(folders.missing)} that this release does not have")


if __name__ == "__main__":
    main(*sys.argv[1:])
