"""What the embedded model reaches on label sets it never saw: python tiny/evaluate.py [MODEL]

For each held-out domain, accuracy at 1, 2, 4 and 8 demonstrations with the labels' own names and with names that mean
nothing, over 300 items each; chance is one over the number of labels.
"""

from __future__ import annotations

import json
import random
import sys

from corpus import WORDS, load

from harness.encode import Encoder
from harness.engines import create
from harness.stats.intervals import wilson
from harness.types import Engine, Prompt, Request

ITEMS = 300


def measure(engine: Engine, domain, shots: int, meaningless: bool) -> tuple[int, int]:
    """Items answered rightly, of ``ITEMS``. Demonstrations take the labels in turn; no text occurs twice."""
    rng = random.Random(f"{domain.name}-{shots}-{meaningless}")
    encoder, labels = Encoder(engine.tokenizer), list(domain.labels)
    requests, answers = [], {}
    for i in range(ITEMS):
        words = dict(zip(labels, rng.sample(WORDS, len(labels)) if meaningless else labels, strict=True))
        target = rng.choice(labels)
        item = domain.text(target, rng)
        turns = [labels[(j + i) % len(labels)] for j in range(shots)]
        rng.shuffle(turns)
        demos = [(text, label) for label in turns if (text := domain.text(label, rng)) != item]
        head = "".join(f"Text: {text}\nLabel: {words[label]}\n\n" for text, label in demos)
        choices = tuple(f" {words[label]}" for label in labels)
        encoded = encoder.encode(Prompt(str(i), f"{head}Text: {item}\nLabel:", choices, ()))
        requests.append(Request(str(i), encoded.prompt, encoded.choices))
        answers[str(i)] = labels.index(target)
    hits = 0
    for answer in engine.score(requests):
        sums = [sum(choice) for choice in answer.choice_logprobs or ()]
        hits += sums.index(max(sums)) == answers[answer.key]
    return hits, ITEMS


def main() -> None:
    engine = create("transformers", sys.argv[1] if len(sys.argv) > 1 else "tiny")
    rows = []
    for domain in load(held_out=True):
        for meaningless in (False, True):
            for shots in (0, 1, 2, 4, 8):
                hits, n = measure(engine, domain, shots, meaningless)
                found = wilson(hits, n)
                rows.append(
                    {
                        "domain": domain.name,
                        "labels": "meaningless" if meaningless else "own",
                        "shots": shots,
                        "chance": round(1 / len(domain.labels), 3),
                        "accuracy": round(found.value, 3),
                        "low": round(found.low, 3),
                        "high": round(found.high, 3),
                    }
                )
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
