"""A few of the flips and kills of the benches, and what these found when all were made."""

import json

import flips
import kills
import pytest
from conftest import ROOT


@pytest.mark.slow
def test_flipped_bits_neither_raise_nor_change_anything_unseen(home):
    found = flips.measure(24, home)
    assert found["flips"] == 24
    assert found["tracebacks"] == found["silent_changes"] == 0
    assert found["refused_in_one_paragraph"] == found["mended"]
    assert found["seen_by_the_doctor"] > 6


@pytest.mark.slow
def test_kills_lose_and_double_nothing(home, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    found = kills.measure(8, home)
    assert found["kills"] == sum(found["where"].values()) == 8
    assert found["lost"] == found["doubled"] == found["differing"] == 0


def test_the_figures_are_of_all_of_them():
    found = json.loads((ROOT / "bench" / "results" / "kept.json").read_text())
    flipped, killed = found["flips"], found["kills"]
    assert (flipped["flips"], killed["kills"]) == (flips.FLIPS, kills.KILLS)
    assert flipped["tracebacks"] == flipped["silent_changes"] == 0
    assert flipped["refused_in_one_paragraph"] == flipped["mended"]
    assert killed["lost"] == killed["doubled"] == killed["differing"] == 0
