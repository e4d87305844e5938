"""Items that a model may have read before."""

import json
import re
from itertools import pairwise

import numpy as np
import pytest
from planted import Planted, asked, lines, notes, project, truthful

from harness.chance import rng
from harness.probe import create, leak, likelihood


def test_items_of_train_are_counted_and_listed(home):
    project(home)
    path = home / "tasks" / "pets" / "test.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    long = "a long sentence of thirteen words that stands in both of the splits"
    for place in range(6):
        rows[place]["text"] += f" {long}"
    for row in rows[6:]:
        row["text"] += "".join(f" {word}{row['id']}" for word in long.split())
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    train = home / "tasks" / "pets" / "train.jsonl"
    first, *rest = train.read_text().splitlines()
    train.write_text("\n".join([json.dumps({**json.loads(first), "text": f"train no0 meow {long}"}), *rest]) + "\n")
    found = create("leak").look(asked(home, truthful))
    (line,) = lines(found, "share of items with 8 words in a row of train")
    assert (line.value.value, line.n) == (0.1, 60)
    assert notes(found, "most of them in train-00")


def test_a_model_that_knows_the_file_is_found_and_one_that_does_not_is_not(home):
    project(home, n=128)

    class Reader(Planted):
        """Likes an item after the one that stands before it in the file."""

        def score(self, requests, known=()):
            for request in requests:
                (choice,) = request.choices
                text = self.read(request.prompt + choice)
                numbers = [int(each) for each in re.findall(r"no(\d+)", text)]
                after = sum(b == a + 1 for a, b in pairwise(numbers))
                draw = rng("noise", text)
                total = -len(choice) + draw.normal() + (0.5 * after if self.name == "reader" else 0)
                yield answer(request, total)

    study = asked(home)
    study.engines = [Reader(truthful, "reader"), Reader(truthful, "stranger")]
    found = create("leak").look(study)
    reader, stranger = lines(found, "file's order minus shuffled")
    # 7 of 8 items follow their own, and of shuffled ones one in 8, for 0.5 nats each.
    assert reader.value.value == pytest.approx(0.5 * 7 / 8 * 7 / 8, abs=0.1)
    assert reader.p < 0.001
    assert stranger.p > 0.05
    assert all(len(notes(found, f"{name}: of 100 items")) == 1 for name in ("reader", "stranger"))


def answer(request, total):
    from harness.types import Answer

    (choice,) = request.choices
    return Answer(request.key, choice_logprobs=((total, *[0.0] * (len(choice) - 1)),))


def test_the_order_test_has_its_level():
    """Where no order is the file's, p is below 0.05 as often as it says."""
    alarms = 0
    for seed in range(200):
        draw = np.random.default_rng(seed)
        alarms += leak.ordered(draw.normal(size=(8, 6)) * draw.gamma(2, size=(8, 1)), draw)[1] < 0.05
    assert 3 <= alarms <= 18


def test_words_are_counted_and_chinese_characters_are_words():
    assert leak.words("Don't stop 3 times, 3万营收!") == ["don", "t", "stop", "3", "times", "3", "万", "营", "收"]
    assert leak.length([["a"] * 5] * 10, 8) == 5
    assert leak.length([["a"]] * 10, 8) == leak.SHORTEST
    assert leak.grams("abcd", 3) == {("a", "b", "c"), ("b", "c", "d")}
    assert leak.lowest(np.array([-1.0, -9, -2, -3, -4])) == -9


def test_texts_are_as_likely_as_a_plain_pass_says(tiny):
    import torch

    text = "Profit rose sharply in the first quarter."
    (row,) = likelihood.tokens(tiny, [text])
    (found,) = likelihood.logprobs(tiny, None, [row])
    with torch.no_grad():
        logits = tiny._network._lm(torch.tensor([row])).logits[0].log_softmax(-1)
    plainly = [float(logits[place, token]) for place, token in enumerate(row[1:])]
    assert found == pytest.approx(plainly, abs=1e-3)
