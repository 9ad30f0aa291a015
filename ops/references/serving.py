"""A modeld of its own for comparisons, asked through modelctl as a user would."""

import json
import pathlib
import subprocess
import sys
import time

PROGRAMS = pathlib.Path(__file__).resolve().parent.parent.parent / ".build/release"
# By the names of transformers, as in expected.jsonl: {option: the arguments of modelctl}.
COMMANDS = {"multiple-choice": "choose"}
FLAGS = {"handle_impossible_answer": "--handle-impossible-answer", "multi_label": "--multi-label", "truncation": "--truncate"}
NEGATIVE_FLAGS = {"align_to_words": "--no-align-to-words", "add_special_tokens": "--no-special-tokens"}
NAMES = {"truncate_dim": "dimensions"}
INTEGERS = {"ids", "offsets", "start", "end", "index", "token", "corpus_id"}


def option(name, value):
    """An option of transformers as arguments of modelctl."""
    if name in FLAGS or name in NEGATIVE_FLAGS:
        return [FLAGS[name]] if name in FLAGS and value else [NEGATIVE_FLAGS[name]] if name in NEGATIVE_FLAGS and not value else []
    text = "all" if value is None else ",".join(value) if isinstance(value, list) else str(value)
    return [f"--{NAMES.get(name, name).replace('_', '-')}", text]


class Server:
    """modeld with the models of a repository; socket, cache and log are in `folder`."""

    def __init__(self, models, folder, programs=PROGRAMS, patience=300):
        self.programs, self.socket, self.log = pathlib.Path(programs), f"{folder}/s", f"{folder}/log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [self.programs / "modeld", "--model-repository", models, "--socket", self.socket, "--cache-dir", f"{folder}/cache"],
                stdout=log, stderr=log)
        try:
            self.wait(patience)
        except BaseException:
            self.stop()
            raise

    def wait(self, patience):
        """Waits until every model is ready or refused."""
        deadline = time.monotonic() + patience
        while True:
            status = self.modelctl("status", "--json")
            self.models = {model["name"]: model for model in json.loads(status)["models"]} if status else {}
            if status and all(model["state"] in ("READY", "UNAVAILABLE") for model in self.models.values()):
                return
            if time.monotonic() > deadline or self.process.poll() is not None:
                sys.exit(f"modeld did not come to rest; its log ends with\n{pathlib.Path(self.log).read_text()[-2000:]}")
            time.sleep(0.2)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def modelctl(self, *arguments, lines=()):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        command = [self.programs / "modelctl", *arguments, "--socket", self.socket]
        run = subprocess.run(command, input=text.encode(), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.errors = run.stderr.decode()
        return run.stdout.decode()

    def refusal(self, model):
        """Why a model does not serve; None where it does."""
        status = self.models.get(model)
        if status is None:
            return "it is not listed"
        return None if status["state"] == "READY" else status.get("reason") or status["state"]

    def answers(self, model, cases):
        """An answer for each case; {"error": …} for one that is refused."""
        groups = {}
        for place, case in enumerate(cases):
            groups.setdefault((case["task"], json.dumps(case.get("options", {}), sort_keys=True)), []).append(place)
        result = [None] * len(cases)
        for (task, options), places in groups.items():
            arguments = [argument for name, value in json.loads(options).items() for argument in option(name, value)]
            output = self.modelctl(COMMANDS.get(task, task), model, "--file", "-", "--json", *arguments,
                                   lines=[cases[place]["input"] for place in places])
            found = output.splitlines()
            if len(found) != len(places):
                found = [json.dumps(dict(error=dict(message=self.errors.strip())))] * len(places)
            for place, line in zip(places, found):
                result[place] = json.loads(line)
        return result


def difference(ours, theirs, tolerance, path="answer"):
    """Where an answer does not agree, as ops/expected-answers defines it; None where it does."""
    if isinstance(theirs, dict):
        if not isinstance(ours, dict) or ours.keys() != theirs.keys():
            return f"{path} is {shown(ours)}, expected {shown(theirs)}"
        pairs = [(ours[key], theirs[key], 0 if key in INTEGERS else tolerance, f"{path}.{key}") for key in theirs]
    elif isinstance(theirs, list):
        if not isinstance(ours, list) or len(ours) != len(theirs):
            return f"{path} is {shown(ours)}, expected {shown(theirs)}"
        pairs = [(one, other, tolerance, f"{path}[{index}]") for index, (one, other) in enumerate(zip(ours, theirs))]
    elif isinstance(theirs, str) or isinstance(ours, str) or not isinstance(ours, (int, float)):
        return None if ours == theirs else f"{path} is {shown(ours)}, expected {shown(theirs)}"
    else:
        return None if abs(ours - theirs) <= tolerance else f"{path} is {ours}, expected {theirs} ± {tolerance}"
    return next((found for pair in pairs if (found := difference(*pair))), None)


def shown(value):
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 160 else text[:150] + "…"


def farthest(ours, theirs, key=None):
    """The largest distance of two numbers that stand in the same place."""
    if isinstance(theirs, dict):
        return max((farthest(ours[name], theirs[name], name) for name in theirs), default=0)
    if isinstance(theirs, list):
        return max((farthest(one, other, key) for one, other in zip(ours, theirs)), default=0)
    return abs(ours - theirs) if isinstance(theirs, (int, float)) and key not in INTEGERS else 0
