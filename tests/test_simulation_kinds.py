"""Intervals and the gate on spans, texts, states and grades, by simulation, with items of their own and in documents.

Coverage and passes are counted over draws. A bound allows for three standard errors of a count: of all that are made
here, one would be past two by chance. ``bench/covering.py`` counts both near the ends of a scale too.
"""

import math

import pytest
from populations import population

from harness.gate.verdict import ALPHA

pytestmark = pytest.mark.slow
NAMED = ("span F1", "BLEU", "joint goal accuracy", "QWK")


def off(share, draws):
    """Three standard errors of a share counted over draws."""
    return 3 * math.sqrt(share * (1 - share) / draws)


@pytest.mark.parametrize("chance", [0.5, 0.8])
@pytest.mark.parametrize("clustered", [False, True], ids=["items", "documents"])
@pytest.mark.parametrize("name", NAMED)
def test_covers_and_passes_the_inferior_one_time_in_twenty(name, clustered, chance):
    """The new system is worse by just the margin: a pass is wrong."""
    of = population(name, clustered, chance)
    # The bootstrap, which two have for single items, takes ten times as long.
    slow = not clustered and name in ("span F1", "QWK")
    many = 2000 if name == "BLEU" else 4000
    for n, draws in ((60, 900), (300, 450), (1000, 250)) if slow else ((60, many), (300, many), (1000, many)):
        covered, passed = of.counted(n, draws)
        assert covered == pytest.approx(0.95, abs=0.015 + off(0.95, draws)), n
        assert passed <= ALPHA + off(ALPHA, draws), n
