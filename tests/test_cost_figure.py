"""Cost against score: every row numbered, no number on another; and calibration before and after."""

from dataclasses import replace
from itertools import combinations

import matplotlib
import numpy as np
import pytest
from matplotlib.text import Text
from runs import baseline, run

from harness.compare import differences
from harness.compare.differences import Price
from harness.report.figures import calibration, cost, drawing
from harness.types import Signature


def spending(made, seconds, tokens):
    return replace(made, usage={**made.usage, "seconds": seconds, "computed_tokens": tokens})


@pytest.fixture
def many():
    """Twenty prompts of which some cost and score nearly the same, and a baseline that computes no tokens."""
    rng = np.random.default_rng(3)
    runs = [run(f"p{i}", shots=i, draw=i % 7) for i in range(20)]
    spent = [spending(each, 10 + 0.1 * rng.random(), int(1000 + 50 * rng.random())) for each in runs]
    return differences.compare([*spent, spending(baseline(), 0.5, 0)], price=Price(1.0))


def test_each_measure_that_two_rows_cost_something_of_has_a_panel(many):
    assert cost.measures(many) == ["seconds", "tokens computed and generated", "money"]
    free = [spending(run("a", shots=1), 1.0, 0), spending(baseline(), 2.0, 0)]
    assert cost.measures(differences.compare(free)) == ["seconds"]
    answers = run("r", predictor="recorded", template=None, answers="f.csv", calibration=None)
    assert cost.measures(differences.compare([answers, baseline()])) == []


def test_points_stand_at_cost_and_score_with_their_intervals(many):
    seconds, tokens, _ = cost.draw(many, cost.measures(many)).axes
    found = sorted((line.get_xdata()[0], line.get_ydata()[0]) for line in seconds.lines)
    assert found == sorted((row.used("seconds"), row.score.value) for row in many.rows)
    assert len(tokens.lines) == len(many.rows) - 1
    ends = sorted(tuple(segment[:, 1]) for bar in seconds.collections for segment in bar.get_segments())
    assert ends == sorted((row.score.low, row.score.high) for row in many.rows)
    assert seconds.get_xscale() == "log"


def test_no_number_lies_on_another(many):
    figure = cost.draw(many, cost.measures(many))
    figure.draw_without_rendering()
    for axes in figure.axes:
        boxes = [Text.get_window_extent(text) for text in axes.texts]  # without the lines to their points
        assert len(boxes) == len(axes.lines)
        assert not [1 for one, other in combinations(boxes, 2) if one.overlaps(other)]


def test_the_legend_names_every_row_by_its_number(many):
    (legend,) = (axes.get_legend() for axes in cost.draw(many, cost.measures(many)).axes if axes.get_legend())
    found = [" ".join(text.get_text().split()) for text in legend.get_texts()]
    assert found == [f"{i} {row.label}" for i, row in enumerate(many.rows, 1)]


def calibrated(made, name):
    signature = made.signature + Signature.of(calibrate=name, calibrate_on="train:64")
    sharper = tuple(replace(p, label_logprobs=tuple(2 * x for x in p.label_logprobs)) for p in made.predictions)
    return replace(made, name=name, signature=signature, spec={**made.spec, "calibration": name}, predictions=sharper)


def test_a_prompt_is_held_against_itself_calibrated():
    plain, other = run("p"), run("q", template="chat", draw=3)
    found = differences.compare([plain, calibrated(plain, "batch"), calibrated(plain, "pmi"), other, baseline()])
    (pair,) = calibration.pairs(found)
    assert pair.before is found.rows[0]
    assert pair.after == found.rows[1:3]
    (axes,) = calibration.draw([pair]).axes
    names = [text.get_text() for text in axes.get_legend().get_texts()]
    wanted = [("uncalibrated", pair.before), ("batch", pair.after[0]), ("pmi", pair.after[1])]
    assert names == [f"{name}: ECE {row.reliability:.3f}" for name, row in wanted]


class TestFonts:
    def test_what_no_font_has_is_written_out(self, monkeypatch):
        monkeypatch.setattr(drawing, "_drawn", lambda: frozenset(map(ord, "äb")))
        assert drawing.shown("äb中") == "äb\\u{4e2d}"
        assert drawing.shown("plain_ascii") == "plain_ascii"

    @pytest.mark.filterwarnings("error")
    def test_chinese_names_are_drawn_without_a_warning(self, tmp_path):
        from harness.report.figure import draw

        paths = draw(differences.compare([run(template="中文模板"), baseline()]), tmp_path)
        (confusion,) = (path.read_text() for path in paths if path.name == "news_task-confusion.svg")
        assert "中文模板" in confusion or "u{4e2d}" in confusion

    def test_chinese_is_drawn_as_it_is_where_a_font_has_it(self):
        if not any("CJK" in name for name in drawing.fonts()):
            pytest.skip("no font has Chinese characters")
        assert drawing.shown("积极") == "积极"

    def test_long_names_are_broken_by_their_width(self):
        assert max(map(len, drawing.wrapped("w" * 100, 20).split("\n"))) == 20
        assert matplotlib.rcParams["text.parse_math"] is True  # drawing has left it as it was
