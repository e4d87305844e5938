"""Tables in every format hold every row, and nothing they cannot know."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest
from runs import baseline, run
from workbooks import words

from harness import predictors
from harness.compare import differences
from harness.compare.differences import Price
from harness.report import FORMATS, Table, render
from harness.report.cells import footer
from harness.report.latex import escape
from harness.study import grid
from harness.study.draft import Planned
from harness.task import definition


class TestFormats:
    @pytest.mark.parametrize("form", FORMATS)
    def test_hold_every_row_and_no_nan(self, table, form):
        text = words(render([table, table], form))
        assert not re.search(r"\bnan\b", text, re.IGNORECASE)
        for row in table.rows:
            assert (escape(row.title) if form == "latex" else row.title) in text
        assert text.count("reference") >= 2 or form in ("csv", "json", "xlsx")

    def test_columns_that_say_nothing_are_left_out(self, table):
        assert "unparsed" not in Table(table).render("terminal")
        assert "unparsed" in Table(differences.compare([run(unparsed=3), baseline()])).render("terminal")

    def test_unparsed_texts_are_read_leniently_beside(self, table):
        found = differences.compare([run(unparsed=6, mentioned="target"), baseline()], "accuracy")
        prompted, trained = found.rows
        assert prompted.lenient.value == pytest.approx(prompted.score.value + 6 / 120)
        assert trained.lenient is None
        shown = Table(found).render("markdown")
        assert f"| {prompted.lenient.value:.3f} [" in shown
        assert "mentions just one label" in shown
        assert "lenient" not in Table(table).render("markdown")
        assert "cost" not in Table(table).render("terminal")
        assert "difference" not in Table(differences.compare([run()])).render("terminal")

    def test_cost_is_that_of_the_tokens(self):
        found = differences.compare([run(), baseline()], price=Price(2.0, 8.0))
        assert found.rows[0].cost == pytest.approx(0.002)
        assert "0.0020" in Table(found).render("markdown")

    def test_markdown_is_a_table_whatever_the_titles(self):
        found = differences.compare([run(template="a|b"), baseline()])
        lines = [line for line in Table(found).render("markdown").splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1

    def test_csv_reads_back(self, table):
        rows = list(csv.DictReader(io.StringIO(render([table], "csv"))))
        assert [row["seed"] for row in rows] == ["0", "1", "2", "0", "0"]
        assert float(rows[0]["macro-f1.low"]) < float(rows[0]["macro-f1"]) < float(rows[0]["macro-f1.high"])
        assert rows[-1]["difference"] == ""

    def test_json_is_an_object_a_run(self, table):
        rows = json.loads(render([table], "json"))
        assert len(rows) == 5
        assert {row["row"] for row in rows[:3]} == {table.rows[0].label}
        assert rows[0]["n_train"] == 300
        assert rows[0]["p_adjusted"] >= rows[0]["p"]
        assert rows[-1]["difference"] is None

    def test_latex_is_escaped_and_balanced(self, table):
        text = render([table], "latex")
        body = "\n".join(line for line in text.splitlines() if not line.startswith("%"))
        assert r"some\_model" in body
        assert not re.search(r"(?<!\\)[%_#$]", body.replace("$-$", ""))
        assert body.count("{") == body.count("}")
        for name in ("table", "tabular"):
            assert body.count(rf"\begin{{{name}}}") == body.count(rf"\end{{{name}}}") == 1
        lines = [line for line in body.splitlines() if line.endswith(r"\\")]
        assert len({len(re.findall(r"(?<!\\)&", line)) for line in lines}) == 1
        worse = differences.compare([run(hits=0.2), baseline(hits=0.9, model="a-1")])
        assert re.search(r"& \$-\$0\.\d+ \[\$-\$0\.", render([worse], "latex"))
        assert "(a-1)" in render([worse], "latex")
        assert (
            escape("a\\b{c}~^<|") == r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}\textless{}\textbar{}"
        )

    def test_the_signatures_are_one_a_run(self, table):
        assert Table(table).render("markdown").count("- `") == 5

    def test_a_sample_can_be_drawn_again_from_its_signature(self):
        sizes = [baseline(n_train=20, train_size="20", seed=seed, signed=("n_train",)) for seed in (0, 1)]
        lines = [
            line for line in Table(differences.compare(sizes)).render("markdown").splitlines() if line[:3] == "- `"
        ]
        assert [re.findall(r"\|(train_size:20\|seed:\d)`", line) for line in lines] == [
            ["train_size:20|seed:0"],
            ["train_size:20|seed:1"],
        ]


class TestOneAnswer:
    """A row that answers one label for nine items in ten, though the labels are spread."""

    @staticmethod
    def stuck(share=1.0, **spec):
        """A run that answers ``good`` for a share of its 60 items, whose labels are in equal parts."""
        made = run(n=60, **spec)
        answers = tuple(replace(p, output="good" if i < share * 60 else "bad") for i, p in enumerate(made.predictions))
        return replace(made, predictions=answers)

    @staticmethod
    def footer(*runs):
        return [line for line in footer(differences.compare(runs)) if " answers " in line]

    def test_is_told_with_the_option_that_may_mend_it(self):
        (line,) = self.footer(self.stuck(0.95, template="instruction", mode="score"), baseline(n=60))
        assert line == (
            "some_model 5-shot (instruction, balanced) answers good for 57 of 60 items: "
            "its scores may be read wrongly; try --calibrate batch."
        )

    @pytest.mark.parametrize(("share", "told"), [(1.0, True), (0.9, True), (0.88, False), (0.4, False)])
    def test_from_nine_items_in_ten_on(self, share, told):
        assert bool(self.footer(self.stuck(share, mode="score"))) == told

    @pytest.mark.parametrize(
        "spec",
        [
            {"mode": "generate"},
            {"mode": "score", "calibrate": "batch", "signed": ("mode", "calibrate")},
            {"predictor": "svm", "model": None},
        ],
    )
    def test_the_option_is_named_where_it_helps_only(self, spec):
        (line,) = self.footer(self.stuck(**spec))
        assert line.endswith(" answers good for 60 of 60 items, though the labels are spread.")

    def test_seeds_count_together(self):
        runs = [self.stuck(share, seed=seed, draw=seed, mode="score") for seed, share in enumerate((1.0, 0.85))]
        (line,) = self.footer(*runs)
        assert "111 of 120 items" in line

    @pytest.mark.parametrize(
        "spec", [{"predictor": "majority", "model": None}, {"predictor": "svm", "model": None, "train_labels": 1}]
    )
    def test_is_no_news_of_who_knows_one_label_only(self, spec):
        assert self.footer(self.stuck(**spec)) == []
        assert self.footer(self.stuck(train_labels=1, mode="score"))  # a prompt knows them all

    def test_is_no_news_where_most_items_have_that_label(self):
        made = self.stuck(mode="score")
        for few, told in ((24, True), (12, False)):
            examples = tuple(replace(e, target="good" if i >= few else "bad") for i, e in enumerate(made.examples))
            assert bool(self.footer(replace(made, examples=examples))) == told

    def test_nor_where_nothing_was_answered(self):
        assert self.footer(run(n=60, unparsed=60, mode="score")) == []


def test_a_run_says_how_many_labels_it_was_trained_on(home):
    task = definition.load("finsentiment")
    one = [e for e in task.examples("train") if e.target == "neutral"]
    for train, known in ((one, 1), (task.examples("train"), 3)):
        made = grid.execute(task, Planned(predictors.baseline("majority", task), train), task.examples("dev"))
        assert made.spec["train_labels"] == known
