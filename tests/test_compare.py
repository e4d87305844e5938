"""Rows, their differences, and what is told about them."""

from dataclasses import replace

import numpy as np
import pytest
from runs import baseline, run

from harness.compare import differences
from harness.errors import InputError
from harness.report import Table
from harness.report.cells import footer


class TestRows:
    def test_inputs_that_were_cut_are_told(self):
        cut = baseline()
        cut = replace(cut, counts={**cut.counts, "cut_inputs": 1234})
        lines = [line for line in footer(differences.compare([run("p"), cut])) if "longer" in line]
        assert len(lines) == 1
        assert lines[0].startswith("svm, 300 train: 1,234 inputs")

    def test_seeds_make_one_row_with_their_variance(self, table):
        assert [len(row.runs) for row in table.rows] == [3, 1, 1]
        row = table.rows[0]
        assert row.title == "some_model 5-shot (plain, balanced, seeds 0, 1, 2)"
        assert row.score.value == pytest.approx(np.mean([r.scores["macro-f1"][0] for r in row.runs]))
        assert row.used("computed_tokens") == 3000
        assert row.difference.value == pytest.approx(row.score.value - table.rows[2].score.value)

    def test_the_reference_is_the_best_baseline_unless_named(self, table):
        assert table.reference == "svm"
        runs = [row.run for row in table.rows]
        worse = baseline("majority", hits=0.3)
        assert differences.compare([*runs, worse]).reference == "svm"
        assert differences.compare([*runs, worse], reference="majority").reference == "majority"
        with pytest.raises(InputError, match="Did you mean 'majority'"):
            differences.compare([*runs, worse], reference="majorty")

    def test_p_is_adjusted_for_the_rows(self, table):
        for row in table.rows[:2]:
            assert row.p <= row.adjusted <= 1
        runs = [run for row in table.rows for run in row.runs]
        plain = differences.compare(runs, correction="none")
        assert [row.adjusted for row in plain.rows] == [row.p for row in plain.rows]
        with pytest.raises(InputError, match="unknown correction"):
            differences.compare(runs, correction="bonferoni")

    def test_training_sizes_are_rows_of_their_own(self):
        sizes = [baseline(n_train=size, train_size=str(size), seed=seed) for size in (20, 100) for seed in (0, 1)]
        found = differences.compare(sizes)
        assert [row.label for row in found.rows] == ["svm (seeds 0, 1), 20 train", "svm (seeds 0, 1), 100 train"]

    def test_only_rows_of_one_size_need_a_mark_to_be_told_apart(self):
        found = differences.compare([baseline(), baseline(n_train=20, train_size="20"), baseline(n_train=20, draw=8)])
        assert [row.label for row in found.rows] == ["svm, 300 train", "svm #r-0-7, 20 train", "svm #r-0-8, 20 train"]

    def test_clusters_are_told_and_widen(self):
        plain = differences.compare([run(), baseline()], metric="accuracy")
        whole = differences.compare([run(clusters=12), baseline(clusters=12)], metric="accuracy")
        assert "by cluster" in Table(whole).render("markdown")
        assert "by cluster" not in Table(plain).render("markdown")
        assert whole.rows[0].p != plain.rows[0].p
        assert whole.detectable > plain.detectable

    def test_other_items_are_refused_by_name(self):
        with pytest.raises(InputError, match="items_hash is 'items-120' in r-0-0 but 'items-90'"):
            differences.compare([run(), run(n=90)])

    def test_items_in_another_order_are_the_same_items(self):
        one, two = run(), baseline()
        mixed = replace(two, examples=two.examples[::-1], predictions=two.predictions[::-1])
        straight, aligned = differences.compare([one, two]), differences.compare([one, mixed])
        assert straight.rows[0].difference == aligned.rows[0].difference
