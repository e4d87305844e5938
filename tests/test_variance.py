"""A score's variance, split into its sources."""

import math
from dataclasses import replace

import numpy as np
import pytest
from runs import LABELS, baseline, run

from harness.compare.variance import _factors, decompose
from harness.errors import InputError
from harness.report.variance import render as render_variance
from harness.types import Prediction


class TestVariance:
    def test_known_components_are_found(self):
        """Demonstrations move the accuracy by 0.1, templates do not."""
        rng = np.random.default_rng(3)
        levels = 0.7 + 0.1 * rng.normal(size=12)
        runs = [
            run(hits=level, n=1500, seed=i, draw=100 * i + j, template=name, stated=False)
            for i, level in enumerate(levels)
            for j, name in enumerate(("plain", "chat", "letters"))
        ]
        (found,) = decompose(runs, "accuracy")
        parts = {part.source: part for part in found.components}
        assert found.runs == 36
        assert parts["demonstrations"].levels == 12
        assert parts["demonstrations"].deviation == pytest.approx(np.std(levels, ddof=1), rel=0.15)
        assert parts["template"].deviation < 0.01
        assert parts["items"].deviation == pytest.approx(math.sqrt(0.7 * 0.3 / 1500), rel=0.1)
        assert math.isnan(parts["order"].deviation)  # one level: unknown, not zero
        assert sum(part.share for part in found.components if not math.isnan(part.share)) == pytest.approx(1)

    def test_noise_alone_is_no_component(self):
        # The estimate is at or above half of the items' in one of 80 such samples of 200 levels (of 60: in one of ten).
        runs = [run(hits=0.7, n=60, seed=i, draw=i, stated=False) for i in range(200)]
        parts = {part.source: part for part in decompose(runs, "accuracy")[0].components}
        assert parts["demonstrations"].deviation < parts["items"].deviation / 2
        assert parts["demonstrations"].low == 0

    def test_what_cannot_be_told_apart_is_unknown(self):
        """Each template was run with seeds of its own, and they differ by much: the seeds are not to blame."""
        hits = {"plain": 0.5, "chat": 0.9}
        runs = [
            run(hits=hits[name], template=name, seed=seed, draw=seed, n=1000, stated=False)
            for name, seeds in (("plain", (0, 1, 2)), ("chat", (3, 4, 5)))
            for seed in seeds
        ]
        parts = {part.source: part for part in decompose(runs, "accuracy")[0].components}
        assert parts["demonstrations"].deviation < 0.02
        assert math.isnan(parts["template"].deviation)

    def test_intervals_hold_the_truth_and_estimates_are_unbiased(self):
        """Five seeds by four templates less six runs, with effects of both and of their combinations."""
        truth = {"demonstrations": 0.05, "template": 0.03, "combinations": 0.03}
        rng = np.random.default_rng(5)
        cells = [divmod(place, 4) for place in range(20) if place not in (1, 6, 7, 12, 15, 18)]
        runs = [run(n=3, seed=i, template=f"t{j}", stated=False) for i, j in cells]
        noise = 0.02**2 * (np.eye(14) + 1) / 2
        found = {source: [] for source in truth}
        for _ in range(300):
            seeds, names, rest = (size * rng.normal(size=20) for size in truth.values())
            values = [seeds[i] + names[j] + rest[4 * i + j] for i, j in cells]
            values = np.array(values) + rng.multivariate_normal(np.zeros(14), noise)
            for part in _factors(runs, values, noise):
                if part.source in found:
                    found[part.source].append(part)
        for source, parts in found.items():
            covered = np.mean([part.low <= truth[source] <= part.high for part in parts])
            assert 0.91 <= covered <= 0.99
            assert math.sqrt(np.mean([part.deviation**2 for part in parts])) == pytest.approx(truth[source], rel=0.12)

    def test_clusters_are_drawn_whole(self):
        """Forty documents of thirty items, each right or wrong as a whole."""
        right = np.random.default_rng(1).random(40) < 0.6
        runs = []
        for seed in range(2):
            made = run(n=1200, clusters=30, seed=seed, stated=False)
            answers = [e.target if right[i // 30] else LABELS[(i + 1) % 3] for i, e in enumerate(made.examples)]
            pairs = zip(made.examples, answers, strict=True)
            runs.append(replace(made, predictions=tuple(Prediction(e.id, answer) for e, answer in pairs)))
        items = decompose(runs, "accuracy")[0].components[0]
        assert (items.source, items.levels) == ("items (by cluster)", 40)
        assert items.deviation == pytest.approx(math.sqrt(0.6 * 0.4 / 40), rel=0.15)

    def test_only_the_sources_may_differ(self):
        """Modes, selectors, items and edits of what is no source make groups of their own."""
        runs = [
            run(seed=seed, draw=seed, **each)
            for each in ({}, {"mode": "generate"}, {"selector": "knn"}, {"n": 90}, {"model": "other"})
            for seed in (0, 1)
        ]
        assert [found.runs for found in decompose(runs)] == [2] * 5
        assert decompose(runs)[1].title == "org/some_model 5-shot (balanced, generate)"
        with pytest.raises(InputError, match="unknown metric 'class-f1'"):
            decompose(runs, "class-f1")

    def test_training_seeds_have_a_row_of_their_own(self):
        (found,) = decompose([baseline(seed=i, draw=i) for i in range(3)])
        assert [part.source for part in found.components] == ["items", "training seed"]

    @pytest.mark.parametrize("form", ["terminal", "markdown", "json"])
    def test_is_told(self, form):
        text = render_variance(decompose([run(seed=i, draw=i) for i in range(3)]), form)
        assert "demonstrations" in text
        assert "nan" not in text.lower()

    def test_one_run_has_nothing_to_split(self):
        with pytest.raises(InputError, match="--seed 0,1,2"):
            render_variance(decompose([run()]), "terminal")
        with pytest.raises(InputError, match="unknown format"):
            render_variance((), "latex")
