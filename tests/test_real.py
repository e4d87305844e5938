"""The real data sets of ``bench/real.py`` as projects: each reads, fits its kind, and holds what its source says."""

import numpy as np
import pytest
import real
from conftest import ROOT
from populations import WORLDS

from harness.prompt import template
from harness.task import definition
from harness.types import Example

DATA = ROOT.parent / "shared" / "data"
# Sizes as published (SOURCE.txt beside each set); what a split of ours leaves out is told in the notes.
SIZES = {
    "sec-ner": (1164, 303),
    "semeval": (8000, 2717),
    "banking77": (10003, 3080),
    "pubmedqa": (450, 500),
    "medqa": (600, 600),
    "finre-zh": (None, 3727),
    "sgd-intents": (None, None),
    "sgd-states": (None, None),
}


@pytest.mark.skipif(not DATA.exists(), reason="../shared/data is not there")
@pytest.mark.parametrize("name", real.STUDIES)
def test_a_set_is_a_task_of_its_kind(name, tmp_path, monkeypatch):
    study = real.STUDIES[name]
    data = study.read(DATA / real.FOLDERS.get(name, name))
    real.write(name, data, tmp_path)
    monkeypatch.chdir(tmp_path)
    task = definition.load(name)
    train, test = task.examples("train"), task.examples("test")
    for found, wanted in zip((train, test), SIZES.get(name, (None, None)), strict=True):
        assert wanted in (None, len(found))
        assert len(found) >= study.items
    text = template.load(real.TEMPLATE, task).render(test[0], train[:1]).content
    assert text
    assert len({example.id for example in test}) == len(test)
    known = {(e.text, e.target) for e in test}
    assert name in ("banking77", "sec-ner", "semeval", "sgd-intents") or not known & {(e.text, e.target) for e in train}


def test_simulated_worlds_answer_as_their_kinds_do():
    """What simulations draw from is read by the kinds themselves."""
    rng = np.random.default_rng(0)
    for metric, kind, gold, answer in WORLDS.values():
        target = gold(rng)
        said = answer(target, rng.random(120), 0.9)
        assert isinstance(said, str), metric
        assert 0 <= kind.right(Example("1", {}, target), said) <= 1
