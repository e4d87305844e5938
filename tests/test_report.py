"""Tables in every format hold every row, and nothing they cannot know."""

import csv
import io
import json
import re

import pytest
from runs import baseline, run

from harness.compare import differences
from harness.compare.differences import Price
from harness.report import FORMATS, Table, render
from harness.report.latex import escape


class TestFormats:
    @pytest.mark.parametrize("form", FORMATS)
    def test_hold_every_row_and_no_nan(self, table, form):
        text = render([table, table], form)
        assert not re.search(r"\bnan\b", text, re.IGNORECASE)
        for row in table.rows:
            assert (escape(row.title) if form == "latex" else row.title) in text
        assert text.count("reference") >= 2 or form in ("csv", "json")

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
