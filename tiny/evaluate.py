"""What the embedded model reaches on label sets it never saw: python tiny/evaluate.py [MODEL]

Accuracy at 0 to 8 demonstrations over 300 items each; chance is one over the number of labels.

- Held-out domains: everyday texts, with the labels' own names and with names that mean nothing.
- Label sets drawn anew for every item: four labels, each with one sign, a word that the training texts do not hold; a
  text is its label's sign among 0, 1 or 2 other such words, so only the demonstrations tell what belongs to what.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Callable

from corpus import WORDS, Corpus, Domain, load

from harness.engines import create
from harness.prompt.encode import Encoder
from harness.stats.intervals import wilson
from harness.types import Engine, Prompt, Request

ITEMS = 300
SHOTS = (0, 1, 2, 4, 8)
NAMES = {"accuracy": "value", "low": "low", "high": "high"}


Drawn = tuple[list[tuple[str, str]], str, int, list[str]]
"""Demonstrations (text, answer), the item's text, the place of its answer, the answers."""


def measure(engine: Engine, key: str, draw: Callable[[random.Random, int], Drawn]) -> dict[str, float]:
    """Accuracy with its interval over ``ITEMS`` items that ``draw`` makes."""
    rng, encoder = random.Random(key), Encoder(engine.tokenizer)
    requests, answers = [], {}
    for i in range(ITEMS):
        demos, item, answer, words = draw(rng, i)
        head = "".join(f"Text: {text}\nLabel: {word}\n\n" for text, word in demos)
        choices = tuple(f" {word}" for word in words)
        encoded = encoder.encode(Prompt(str(i), f"{head}Text: {item}\nLabel:", choices, ()))
        requests.append(Request(str(i), encoded.prompt, encoded.choices))
        answers[str(i)] = answer
    hits = 0
    for answer in engine.score(requests):
        sums = [sum(choice) for choice in answer.choice_logprobs or ()]
        hits += sums.index(max(sums)) == answers[answer.key]
    found = wilson(hits, ITEMS)
    return {name: round(getattr(found, part), 3) for name, part in NAMES.items()}


def of_domain(domain: Domain, shots: int, meaningless: bool) -> Callable[[random.Random, int], Drawn]:
    """Demonstrations take the labels in turn; no text occurs twice."""
    labels = list(domain.labels)

    def draw(rng: random.Random, i: int) -> Drawn:
        words = dict(zip(labels, rng.sample(WORDS, len(labels)) if meaningless else labels, strict=True))
        target = rng.choice(labels)
        item = domain.text(target, rng)
        turns = [labels[(j + i) % len(labels)] for j in range(shots)]
        rng.shuffle(turns)
        demos = [(text, words[label]) for label in turns if (text := domain.text(label, rng)) != item]
        return demos, item, labels.index(target), list(words.values())

    return draw


def of_signs(vocabulary: list[str], shots: int, noise: int) -> Callable[[random.Random, int], Drawn]:
    """Four labels with a sign each, drawn anew."""

    def draw(rng: random.Random, i: int) -> Drawn:
        signs, words = rng.sample(vocabulary, 4), rng.sample(WORDS, 4)

        def text(label: int) -> str:
            shown = [signs[label], *rng.sample(vocabulary, noise)]
            rng.shuffle(shown)
            return " ".join(shown)

        turns = [j % 4 for j in range(shots)]
        rng.shuffle(turns)
        target = rng.randrange(4)
        return [(text(label), words[label]) for label in turns], text(target), target, words

    return draw


def unseen_words() -> list[str]:
    """Words of the held-out texts that the training texts do not hold."""
    rng = random.Random(0)
    texts = (domain.text(label, rng) for domain in load(held_out=True) for label in domain.labels for _ in range(60))
    held_out = {word.lower() for text in texts for word in re.findall(r"[A-Za-z]{3,}", text)}
    return sorted(held_out - set(Corpus(load(), rng).vocabulary))


def main() -> None:
    engine = create("transformers", sys.argv[1] if len(sys.argv) > 1 else "tiny")
    rows = []
    for shots in SHOTS:
        for domain in load(held_out=True):
            for meaningless in (False, True):
                names = {"labels": domain.name, "names": "meaningless" if meaningless else "own", "shots": shots}
                found = measure(engine, str(names), of_domain(domain, shots, meaningless))
                rows.append({**names, "chance": round(1 / len(domain.labels), 3), **found})
        words = unseen_words()
        for noise in (0, 1, 2):
            names = {"labels": f"drawn anew, {noise} other words", "names": "meaningless", "shots": shots}
            rows.append({**names, "chance": 0.25, **measure(engine, str(names), of_signs(words, shots, noise))})
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
