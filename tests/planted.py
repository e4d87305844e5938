"""A model of which it is known what its answers hang on, and a task for it."""

import math
import re

import pets

from harness.engines import create
from harness.probe.asked import Asked
from harness.study.grid import Spec
from harness.task import definition
from harness.types import Answer, Usage

CLUES = {"bark": "dog", "meow": "cat"}
SURE = 0.9  # what it gives its answer


class Planted:
    """Scores as ``rule`` says: of a prompt's text the answer to give and how sure of it. ``asked`` counts
    the prompts."""

    max_length = 4096

    def __init__(self, rule, name="planted"):
        self.rule, self.name, self.asked = rule, name, 0
        self.tokenizer = create("transformers", "tiny").tokenizer

    @property
    def identity(self):
        return {"model": self.name, "engine": "planted"}

    def read(self, tokens):
        return self.tokenizer.decode(tokens)

    def score(self, requests, known=()):
        for request in requests:
            if request.key in known:
                continue
            self.asked += 1
            if len(request.choices) == 1:  # a text, and no question
                (choice,) = request.choices
                yield Answer(request.key, choice_logprobs=((-1.0,) * len(choice),))
                continue
            answer, sure = self.rule(self.read(request.prompt))
            words = [self.read(choice).strip() for choice in request.choices]
            rest = (1 - sure) / (len(words) - 1)
            rows = []
            for word, choice in zip(words, request.choices, strict=True):
                total = math.log(sure if word.startswith(answer) else rest)
                rows.append((total, *[0.0] * (len(choice) - 1)))
            yield Answer(
                request.key, choice_logprobs=tuple(rows), usage=Usage(len(request.prompt), len(request.prompt))
            )

    def generate(self, requests, known=()):
        raise NotImplementedError


def item(prompt):
    """The last item of a prompt: its number, its right answer and what follows it."""
    found = list(re.finditer(r"no(\d+) (\w+)", prompt))[-1]
    return int(found[1]), CLUES[found[2]], prompt[found.end() :]


def other(answer):
    return {"dog": "cat", "cat": "dog"}[answer]


def shown(prompt):
    """The answers of the demonstrations, in order."""
    return re.findall(r"\b(dog|cat)\b", prompt.lower())


def project(home, cats=30, n=60):
    """The task ``pets``, whose first ``cats`` test items are cats."""

    def rows(many, least):
        sounds = [("meow", "cat") if place < least else ("bark", "dog") for place in range(many)]
        return [(f"no{place} {sound}, heard {place * 7} times", label) for place, (sound, label) in enumerate(sounds)]

    prompt = (
        "{% for s in shots %}\nText: {{ s.text }}\nLabel: {{ s.answer }}\n\n{% endfor %}\nText: {{ text }}\nLabel:\n"
    )
    pets.written(
        home, {"train": rows(40, 20), "test": rows(n, cats)}, prompt, "main_metric: accuracy\nmetrics: [accuracy]\n"
    )


def truthful(prompt):
    """Right on four items in five, whatever the prompt looks like."""
    number, right, _ = item(prompt)
    return (other(right) if number % 5 == 0 else right), SURE


def colon(prompt):
    """Right where a colon comes after the item, and wrong where none does."""
    _, right, rest = item(prompt)
    return (right if ":" in rest else other(right)), SURE


def copying(prompt):
    """Says what the last demonstration says."""
    return shown(prompt)[-1], SURE


def asked(home, *rules, **spec):
    engines = [Planted(rule, rule.__name__) for rule in rules]
    return Asked(definition.load("pets"), Spec(**{"shots": (2,), **spec}), engines, home / "results")


def lines(finding, words):
    found = [line for line in finding.lines if words in line.measure]
    assert found, [line.measure for line in finding.lines]
    return found


def notes(finding, words):
    return [note for note in finding.notes if words in note]
