"""What `transformers` and sentence-transformers answer for a folder, in the form of `modelctl <task> --json`.

Runs with every release of ops/references, old ones too, on the CPU in fp32. ops/expected-answers says what a case is.
"""

import inspect
import json
import logging
import os
import pathlib
import warnings

TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "I love this, it works better than I had hoped!",
    "Terrible. It broke after two days and nobody answers.",
    "Ada Lovelace was born in London and wrote to Charles Babbage.",
    "Élève, naïve café — Straße İstanbul ﬁne ½",
    "北京是中国的首都。東京タワー 서울",
    "Снег идёт 🙂 e\u0301 \u200bzero\u200bwidth",
    "def f(x):\n\treturn x**2  # done\r\nprint(f(3))",
    "Don't SHOUT at me, I'm not he's and we've they're.",
    "Call +1 (555) 010-4477 or write to a.b@example.com by 2024-05-06.",
    "a",
    "!?",
]
LONG = "The meeting was long, and then it went on for a while. " * 60
QUESTIONS = [
    ("Where was Ada Lovelace born?", TEXTS[3]),
    ("What jumps over the dog?", TEXTS[0]),
    ("Who answers?", TEXTS[2]),
    ("首都 é?", TEXTS[5]),
]
LABELS = ["animals", "a complaint", "science", "東京"]
QUERIES = ["Who was Ada Lovelace?", "a telephone number", "Élève 東京"]
CHOICES = ["It sleeps.", "It runs away.", "Nobody answers."]
MASKED = ["the {} brown fox.", "{}", "The Café in {} is NEW!", "é {} 東 ?"]

# The tasks of a head; of sequence classification, more by its labels.
HEADS = {"SequenceClassification": ["classify"], "TokenClassification": ["tag"], "QuestionAnswering": ["answer"],
         "MaskedLM": ["fill-mask"], "PreTraining": ["fill-mask"], "MultipleChoice": ["multiple-choice"]}


def number(x):
    return float(f"{float(x):.7g}")


def numbers(values):
    return [number(x) for x in values]


def prefix(scores, tolerance, most):
    """How many of the first scores, best first, would keep their order if each were off by the tolerance.

    All of them, or so many that the next is clearly less; at most `most`.
    """
    whole = len(scores) <= most
    count = 0
    for place, score in enumerate(scores[:most]):
        following = scores[place + 1] if place + 1 < len(scores) else None
        if following is not None and score - following <= 2 * tolerance:
            break
        if following is not None or whole:
            count = place + 1
    return count


class Reference:
    """A folder, loaded by the libraries that are installed."""

    def __init__(self, folder, tolerance=1e-4):
        os.environ.update(TOKENIZERS_PARALLELISM="false", HF_HUB_OFFLINE="1", TRANSFORMERS_VERBOSITY="error",
                          TRANSFORMERS_OFFLINE="1", HF_HUB_DISABLE_PROGRESS_BARS="1")
        logging.disable(logging.WARNING)
        warnings.simplefilter("ignore")
        import torch
        import transformers

        self.torch, self.transformers = torch, transformers
        transformers.logging.disable_progress_bar()
        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        self.folder, self.tolerance = pathlib.Path(folder), tolerance
        self.sentence = self.settings("config_sentence_transformers.json")
        self.has_modules = (self.folder / "modules.json").exists()
        self.plain = self.folder
        if self.has_modules:
            first = json.loads((self.folder / "modules.json").read_text())[0]
            self.plain = self.folder / first["path"]
        # Some chains of modules have no network.
        config = self.plain / "config.json"
        self.config = json.loads(config.read_text()) if config.exists() else {}
        self.architecture = (self.config.get("architectures") or [""])[0]
        self.loaded = {}

    def settings(self, name):
        path = self.folder / name
        return json.loads(path.read_text()) if path.exists() else {}

    def once(self, name, make):
        if name not in self.loaded:
            self.loaded[name] = make()
        return self.loaded[name]

    @property
    def tokenizer(self):
        return self.once("tokenizer", lambda: self.fitted(
            self.transformers.AutoTokenizer.from_pretrained(str(self.plain)), self.model))

    def fitted(self, tokenizer, network):
        """A tokenizer that gives what the network takes: BERT's has token types, too, on which DistilBERT raises."""
        taken = inspect.signature(network.forward).parameters
        tokenizer.model_input_names = [name for name in tokenizer.model_input_names if name in taken]
        return tokenizer

    @property
    def model(self):
        """The network with its head; without it where no task is for it."""
        # The pipelines ask a checkpoint of pre-training as a masked LM.
        name = self.architecture.replace("ForPreTraining", "ForMaskedLM") if self.head else "AutoModel"
        return self.once("model", lambda: getattr(self.transformers, name).from_pretrained(str(self.plain)).float().eval())

    @property
    def head(self):
        """What the network was trained for, as the end of its class's name; None for encoders and heads without a task."""
        return next((head for head in HEADS if self.architecture.endswith("For" + head)), None)

    @property
    def embedder(self):
        from sentence_transformers import SentenceTransformer

        def load():
            embedder = SentenceTransformer(str(self.folder), device="cpu").float().eval()
            if hasattr(embedder[0], "auto_model"):
                self.fitted(embedder.tokenizer, embedder[0].auto_model)
            return embedder

        return self.once("embedder", load)

    @property
    def cross_encoder(self):
        from sentence_transformers import CrossEncoder

        def load():
            encoder = CrossEncoder(str(self.folder), device="cpu")
            if hasattr(encoder, "model"):
                self.fitted(encoder.tokenizer, encoder.model)
            getattr(encoder, "model", encoder).float().eval()
            return encoder

        return self.once("cross_encoder", load)

    def pipeline(self, kind):
        def load():
            return getattr(self.transformers, kind)(model=self.model, tokenizer=self.tokenizer, device=-1)

        return self.once(kind, load)

    def tasks(self):
        """What the folder is for, by the names of modelctl, and `tokenize`."""
        if self.sentence.get("model_type") == "CrossEncoder":
            return ["tokenize", "rerank" if self.cross_encoder.num_labels == 1 else "classify"]
        if self.has_modules:
            return ["tokenize", "embed"]
        if self.head != "SequenceClassification":
            return ["tokenize", *HEADS.get(self.head, ["features", "embed"])]
        names = [str(label).lower() for label in (self.config.get("id2label") or {}).values()]
        return ["tokenize", *HEADS[self.head], *["zero-shot"] * any(name.startswith("entail") for name in names),
                *["rerank"] * (len(names) == 1)]

    def inputs(self, task):
        """Built-in inputs, each with its options."""
        if task == "answer":
            return [(dict(question=question, context=context), options) for question, context in QUESTIONS
                    for options in (dict(top_k=3), dict(handle_impossible_answer=True))]
        if task == "zero-shot":
            return [(dict(text=text, labels=LABELS), options) for text in TEXTS[:4] for options in ({}, dict(multi_label=True))]
        if task == "rerank":
            return [(dict(query=query, texts=TEXTS), {}) for query in QUERIES]
        if task == "multiple-choice":
            return [(dict(text=text, choices=CHOICES), {}) for text in TEXTS[:6]]
        if task == "fill-mask":
            return [(text.format(self.tokenizer.mask_token), {}) for text in MASKED]
        if task == "tag":
            return [(text, dict(aggregation_strategy=strategy)) for text in TEXTS for strategy in ("none", "simple")]
        if task == "features":
            return [(text, {}) for text in TEXTS[:5:2]]
        if task == "embed":
            prompts = self.sentence.get("prompts") or {}
            named = [(TEXTS[0], dict(prompt_name=name)) for name, text in prompts.items() if text is not None]
            return [(text, {}) for text in [*TEXTS, LONG]] + named
        pair = dict(text=TEXTS[0], text_pair=TEXTS[4])
        if task == "classify":
            everything = dict(top_k=None)
            if not self.head:
                return [(pair, everything)]
            return [(text, everything) for text in [*TEXTS, pair]] + [(LONG, dict(truncation=True, top_k=None))]
        return [(text, {}) for text in [*TEXTS, pair]]

    def cases(self, task, inputs=None):
        """The cases of a task, as ops/expected-answers describes them; None in place of one that nearly ties."""
        for given, options in inputs or self.inputs(task):
            found = getattr(self, task.replace("-", "_"))(given, dict(options))
            if found is None:
                yield None
                continue
            given, options, answer = found
            case = dict(task=task, input=given, answer=answer, tolerance=self.tolerance)
            yield case | (dict(options=options) if options else {})

    # Each of these returns what was asked, with which options, and the answer; the order of the answer is not a matter of
    # rounding. They return None for what nearly ties.

    def tokenize(self, given, options):
        given_pair = [given["text"], given["text_pair"]] if isinstance(given, dict) else [given]
        encoded = self.tokenizer(*given_pair, return_offsets_mapping=True, **options)
        return given, options, dict(ids=encoded["input_ids"], offsets=[list(pair) for pair in encoded["offset_mapping"]])

    def encode(self, given, **options):
        texts = [given["text"], given["text_pair"]] if isinstance(given, dict) else [given]
        return self.tokenizer(*texts, return_tensors="pt", **options)

    def limit(self):
        """The most tokens: where a tokenizer says nothing, what the network takes."""
        return min(self.tokenizer.model_max_length, self.config["max_position_embeddings"])

    def features(self, given, options):
        encoder = self.once("encoder", lambda: self.transformers.AutoModel.from_pretrained(str(self.plain)).float().eval())
        states = encoder(**self.encode(given))[0][0]
        return given, options, [numbers(row) for row in states.tolist()]

    def embed(self, given, options):
        vector = self.embedder.encode(given, show_progress_bar=False, **options)
        return given, options, numbers(vector.tolist())

    def classify(self, given, options):
        if not self.head:  # modules of a CrossEncoder with several outputs
            scores = self.cross_encoder.predict([(given["text"], given["text_pair"])], show_progress_bar=False)[0].tolist()
            answer = [dict(label=f"LABEL_{i}", score=number(score)) for i, score in enumerate(scores)]
            return given, options, sorted(answer, key=lambda item: -item["score"])
        cut = dict(truncation=True, max_length=self.limit()) if options.get("truncation") else {}
        pipe = self.pipeline("TextClassificationPipeline")
        # Old releases took the sigmoid of a regression, too.
        chosen = options.get("function_to_apply") or ("none" if self.config.get("problem_type") == "regression" else None)
        function = dict(function_to_apply=chosen) if chosen else {}
        scores = pipe([given], top_k=None, **function, **cut)[0]
        most = options.get("top_k", 1) or len(scores)
        count = prefix([item["score"] for item in scores], self.tolerance, most)
        if not count:
            return None
        if count < most:
            options["top_k"] = count
        return given, options, [dict(label=str(item["label"]), score=number(item["score"])) for item in scores[:count]]

    def tag(self, given, options):
        pipe = self.pipeline("TokenClassificationPipeline")
        best = self.model(**self.encode(given)).logits[0].softmax(-1).topk(2).values
        if (best[:, 0] - best[:, 1]).min() <= 2 * self.tolerance:
            return None
        kept = ("entity", "entity_group", "score", "index", "word", "start", "end")
        answer = [{key: item[key] for key in kept if key in item} for item in pipe(given, **options)]
        return given, options, [item | dict(score=number(item["score"])) for item in answer]

    def answer(self, given, options):
        def ask(count):
            # Transformers 5.24 has no such pipeline; once it listed equal answers apart.
            if not hasattr(getattr(self.transformers, "QuestionAnsweringPipeline", None), "get_answer"):
                return self.spans(**given, **(options | dict(top_k=count)))
            found = self.pipeline("QuestionAnsweringPipeline")(**given, **(options | dict(top_k=count)))
            return found if isinstance(found, list) else [found]

        most = options.get("top_k", 1)
        count = prefix([item["score"] for item in ask(most + 1)], self.tolerance, most)
        if not count:
            return None
        if count < most:
            options["top_k"] = count
        answer = [dict(answer=item["answer"], score=number(item["score"]), start=int(item["start"]), end=int(item["end"]))
                  for item in ask(count)]
        return given, options, answer

    def spans(self, question, context, top_k, max_answer_len=15, handle_impossible_answer=False):
        """What transformers' last pipeline of question answering gave, that of 4.57, for what fits one window."""
        encoded = self.tokenizer(question, context, return_offsets_mapping=True, return_tensors="pt")
        offsets = encoded.pop("offset_mapping")[0].tolist()
        output, encoding = self.model(**encoded), encoded.encodings[0]
        if len(offsets) > min(self.limit(), 384):
            raise ValueError(f"question and context have {len(offsets)} tokens; without the pipeline they must fit one window")
        outside = self.torch.tensor([sequence != 1 for sequence in encoding.sequence_ids])
        outside[0] = False  # [CLS] stands for no answer
        start, end = (logits[0].masked_fill(outside, -10000.0).softmax(-1) for logits in (output.start_logits, output.end_logits))
        impossible = float(start[0] * end[0])
        start[0] = end[0] = 0
        scores = self.torch.outer(start, end).triu().tril(max_answer_len - 1).flatten()
        answers = []
        for score, place in zip(*(values.tolist() for values in scores.topk(min(2 * top_k + 10, len(scores))))):
            first, last = divmod(place, len(offsets))
            if outside[first] or outside[last] or not first:
                continue
            words = [encoding.word_to_chars(encoding.token_to_word(token), 1) for token in (first, last)]
            begin, stop = words[0][0], words[1][1]
            same = next((item for item in answers if item["answer"].lower() == context[begin:stop].lower()), None)
            if same:
                same["score"] += score
            else:
                answers.append(dict(answer=context[begin:stop], score=score, start=begin, end=stop))
        if handle_impossible_answer:
            answers.append(dict(answer="", score=impossible, start=0, end=0))
        return sorted(answers, key=lambda item: -item["score"])[:top_k]

    def fill_mask(self, given, options):
        pipe = self.pipeline("FillMaskPipeline")

        def ask(count):
            found = pipe(given, **(options | dict(top_k=count)))
            return found if isinstance(found[0], list) else [found]

        most = options.get("top_k", 5)
        count = min(prefix([item["score"] for item in mask], self.tolerance, most) for mask in ask(most + 1))
        if not count:
            return None
        if count < most or "top_k" in options:
            options["top_k"] = count
        masks = [[item | dict(score=number(item["score"])) for item in mask] for mask in ask(count)]
        return given, options, masks[0] if len(masks) == 1 else masks

    def zero_shot(self, given, options):
        found = self.pipeline("ZeroShotClassificationPipeline")(given["text"], candidate_labels=given["labels"], **options)
        if prefix(found["scores"], self.tolerance, len(found["scores"])) < len(found["scores"]):
            return None
        return given, options, dict(labels=found["labels"], scores=numbers(found["scores"]))

    def rerank(self, given, options):
        """Of texts whose scores are close, the first stays."""
        scores = self.cross_encoder.predict([(given["query"], text) for text in given["texts"]], show_progress_bar=False)
        if getattr(scores[0], "shape", ()):
            raise ValueError(f"the model gives {len(scores[0])} scores for each pair")
        kept = []
        for index, score in enumerate(scores):
            if all(abs(score - scores[other]) > 2 * self.tolerance for other in kept):
                kept.append(index)
        texts = [given["texts"][index] for index in kept]
        order = sorted(range(len(kept)), key=lambda place: -scores[kept[place]])
        answer = [dict(corpus_id=place, score=number(scores[kept[place]]), text=texts[place]) for place in order]
        return given | dict(texts=texts), options, answer

    def multiple_choice(self, given, options):
        encoded = self.tokenizer([given["text"]] * len(given["choices"]), given["choices"], padding=True, return_tensors="pt")
        logits = self.model(**{key: value.unsqueeze(0) for key, value in encoded.items()}).logits[0]
        scores = numbers(logits.softmax(-1).tolist())
        best = sorted(scores, reverse=True)
        if best[0] - best[1] <= 2 * self.tolerance:
            return None
        return given, options, dict(index=scores.index(best[0]), scores=scores)
