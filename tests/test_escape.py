"""Names and texts as they are, in every format: what a medium would obey, it shows."""

import csv
import io
import json
import re
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hostile import TEXTS
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from rich.cells import cell_len
from rich.console import Console
from runs import baseline, run

from harness import escape, progress
from harness.compare import differences
from harness.compare.variance import Component, Decomposition
from harness.gate.verdict import Checked, Decision, Finding, Flip, Slice, Verdict
from harness.report import gate, render, variance
from harness.report.figure import draw
from harness.report.terminal import render as terminal
from harness.stats.intervals import Estimate
from harness.types import Signature

UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]"
)
texts = pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))


@cache
def compared(text):
    """A table in which ``text`` is the task, the metric, a template, a model and a baseline."""
    runs = [run(template=text, n=9), run(template="plain", model=f"org/{text}", n=9), baseline(text, n=9)]
    scores = {"accuracy": (0.5, 0.4, 0.6), "macro-f1": (0.5, 0.4, 0.6)}
    found = differences.compare([replace(each, task=text, scores=scores) for each in runs])
    return replace(found, metric=text)


def checked(text):
    """A regression of a template ``text``, found on items, labels and tags of that name."""
    flips = tuple(Flip(f"{text}{i}", text, text, "b") for i in range(2))
    finding = Finding(text, Estimate(-0.2, -0.3, -0.1), Decision.REGRESSION, 0.02)
    slices = (Slice(text, 10, 0.9, 0.7, 0.02),)
    verdict = Verdict(Decision.REGRESSION, (finding,), 0.02, 100, None, flips, flips, slices)
    path = Path(f"{text.replace(chr(0), '')}.j2")
    return Checked(text, text, text, path, verdict, (10.0, 11.0), 5, 100, 1, {flips[0].id: text})


class Elements(HTMLParser):
    """The elements of a document, and the texts of its cells, paragraphs and code."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.names, self.texts, self.remarks = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append((tag, tuple(key for key, _ in attrs)))

    def handle_data(self, data):
        self.texts.append(data)

    def handle_comment(self, data):
        self.remarks.append(data)


MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


def html_of(text):
    return MARKDOWN.render(text)


@texts
class TestTables:
    def test_terminal(self, text):
        shown = terminal([compared(text)])
        assert not UNSEEN.search(shown)
        lines = shown.split("\n\n")[0].split("\n")
        assert len(lines) == 5  # a head, a rule and three rows, whatever the names hold
        title = next(line for line in lines if line.strip().startswith("some_model 5-shot ("))
        assert escape.line(text).strip() in title
        assert max(map(cell_len, lines)) < 20 * len(text) + 300

    def test_html(self, text):
        found, plain = Elements(render([compared(text)], "html")), Elements(render([compared("plain")], "html"))
        assert found.names == plain.names
        assert not found.remarks
        assert escape.line(text) in "".join(found.texts)

    def test_markdown(self, text):
        shown = render([compared(text)], "markdown")
        assert not UNSEEN.search(shown)
        found, plain = (Elements(html_of(render([compared(each)], "markdown"))) for each in (text, "plain"))
        code = ("code", ())
        assert [name for name in found.names if name != code] == [name for name in plain.names if name != code]
        assert not found.remarks
        assert escape.line(text).strip() in "".join(found.texts)

    def test_csv(self, text):
        cells = list(csv.DictReader(io.StringIO(render([compared(text)], "csv"))))
        rows = json.loads(render([compared(text)], "json"))
        assert len(cells) == len(rows) == 3
        quote = "'" if text[0] in "=+-@" else ""
        assert [cell["template"] for cell in cells] == [quote + escape.terminal(text), "plain", ""]
        assert [row["template"] for row in rows] == [text, "plain", None]
        assert float(cells[0]["accuracy"]) == 0.5

    def test_latex(self, text):
        shown = render([compared(text)], "latex")
        comments = [line for line in shown.split("\n") if line.startswith("%")]
        assert len(comments) == 3
        body = "\n".join(line for line in shown.split("\n") if not line.startswith("%"))
        assert len(body.split("\n")) == len(render([compared("plain")], "latex").split("\n")) - 3
        bare = re.sub(r"\\[&%$#_{}]|\$-\$|\\(?:textbackslash|text\w+|ldots)\{\}", "", body)
        rows = [line for line in bare.split("\n") if line.endswith(r"\\")]
        assert len({row.count("&") for row in rows}) == 1
        assert not re.search(r"[%$#_^~]", bare)
        assert bare.count("{") == bare.count("}")
        assert not re.search(r"\\\\\n[\[*]|rule\n[\[*]", body)
        known = {"begin", "end", "centering", "resizebox", "ifdim", "width", "linewidth", "else", "fi"}
        known |= {"toprule", "midrule", "bottomrule", "caption"}
        assert set(re.findall(r"\\([a-zA-Z]+)", bare)) <= known

    def test_variance(self, text):
        found = Decomposition(text, text, 4, 0.5, (Component(text, 2, 0.1, 0.0, 0.2, 1.0),))
        assert len(variance.render([found], "terminal").split("\n\n")[1].split("\n")) == 3
        plain = replace(found, title="t", metric="m")
        names, known = (Elements(html_of(variance.render([each], "markdown"))).names for each in (found, plain))
        assert [name for name in names if name[0] != "code"] == [name for name in known if name[0] != "code"]


@texts
class TestGate:
    def test_terminal_and_table(self, text):
        for shown, plain in (
            (gate.terminal(checked(text)), gate.terminal(checked("x"))),
            (gate.table([checked(text)], [text]), gate.table([checked("x")], ["x"])),
        ):
            assert not UNSEEN.search(shown)
            assert shown.count("\n") == plain.count("\n")

    def test_markdown(self, text):
        found, plain = (Elements(html_of(gate.markdown(checked(each)))) for each in (text, "x"))
        code = ("code", ())
        assert [name for name in found.names if name != code] == [name for name in plain.names if name != code]
        assert not found.remarks

    def test_junit_is_xml(self, text):
        root = ElementTree.fromstring(gate.junit([checked(text)], [False]).encode())
        assert len(root.findall(".//testcase")) == 1
        assert root.find("testsuite").get("name") == escape.line(f"{text}/{text}")
        ElementTree.fromstring(gate.junit([checked(text)], [True]).encode())

    def test_annotations_are_one_command_a_line(self, text):
        command = gate.github(checked(text))
        assert "\n" not in command
        assert "\r" not in command
        head, _, said = command.partition("::error ")[2].partition("::")
        file, _, title = head.partition(",")
        assert file.startswith("file=")
        assert title == "title=harness check: regression"
        assert said.replace("%0A", "\n").replace("%25", "%") == escape.terminal(gate.summary(checked(text)))

    def test_nothing_else_in_a_workflows_log_is_a_command(self, text):
        lines = gate.workflow(gate.terminal(checked(text)), [checked(text)]).split("\n")
        token = lines[0].removeprefix("::stop-commands::")
        assert re.fullmatch("[0-9a-f]{32}", token)
        assert lines.index(f"::{token}::") == len(lines) - 2
        assert lines[-1].startswith("::error file=")


class TestFigures:
    def test_names_are_no_formulas_and_none_is_kept_from_the_legend(self, tmp_path):
        for place, name in enumerate(("$a$ and $\\frac{$", "_private", "a--b\x1b[0m", "<b>&", "two\nlines")):
            spec = {"model": name, "template": None, "train_size": "20"}
            runs = [baseline("lora", n_train=n, draw=n, **spec) for n in (20, 50)]
            paths = draw(differences.compare([run(), *runs]), tmp_path / str(place))
            for path in (path for path in paths if path.suffix == ".svg"):
                ElementTree.parse(path)
            (curve,) = (path for path in paths if path.name == "news_task-curve-train.svg")
            assert "lora (" in curve.read_text()
        spec = {"predictor": "_own", "model": None, "train_size": "20"}
        drawn = draw(differences.compare([run(**spec, n_train=n, draw=n) for n in (20, 50)]), tmp_path / "own")
        (curve,) = (path for path in drawn if path.name == "news_task-curve-train.svg")
        assert "<!--  _own -->" in curve.read_text()


@texts
def test_progress_shows_names_as_they_are(text, monkeypatch):
    shown = Console(file=io.StringIO(), force_terminal=True, width=2000, color_system=None)
    monkeypatch.setattr(progress, "Console", lambda **_: shown)
    with progress.Bars() as bars:
        bars(text, 1, 2, 3)
        bars.say(f"says {text}")
    said = shown.file.getvalue()
    # A tab becomes spaces here.
    assert re.sub(r"\s", "", f"says {escape.terminal(text)}") in re.sub(r"\s", "", said)
    assert escape.line(text).rstrip() in said


class TestFunctions:
    @given(st.text())
    def test_ordinary_text_is_left_as_it_is(self, text):
        assert escape.terminal(escape.terminal(text)) == escape.terminal(text)
        assert not UNSEEN.search(escape.terminal(text))
        assert "\n" not in escape.line(text)
        if not UNSEEN.search(text) and "\u061c" not in text:
            assert escape.terminal(text) == text

    @given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
    def test_json_stays_the_same_json(self, value):
        assert json.loads(escape.terminal(json.dumps(value, ensure_ascii=False, indent=1))) == value

    @given(st.text(min_size=1))
    def test_markdown_shows_any_text(self, text):
        tokens = MARKDOWN.parse(f"| a |\n|:--|\n| {escape.cell(text)} |\n")
        (row,) = [i for i, token in enumerate(tokens) if token.type == "td_open"]
        parts = tokens[row + 1].children
        assert {part.type for part in parts} <= {"text", "code_inline"}
        assert "".join(part.content for part in parts) == escape.line(text)

    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("0.812 [0.764, 0.852]", "0.812 [0.764, 0.852]"),
            ("<0.001", "<0.001"),
            ("+0.124 [+0.080, +0.168]", "+0.124 [+0.080, +0.168]"),
            ("some_model 5-shot (plain, balanced)", "some_model 5-shot (plain, balanced)"),
            ("a|b", "a\\|b"),
            ("<b>", "`<b>`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
        ],
    )
    def test_markdown_is_as_plain_as_it_can_be(self, text, shown):
        assert escape.cell(text) == shown

    def test_latex_begins_no_argument_and_joins_no_hyphens(self):
        assert escape.latex("a--b---c") == "a-{}-b-{}-{}-c"
        assert escape.latex("x\ny") == r"x\textbackslash{}ny"

    def test_numbers_in_csv_stay_numbers(self):
        rows = render([compared("-2")], "csv").split("\n")
        assert "'-2" in rows[1]
        assert "-0." in "".join(rows)
        assert "'-0." not in "".join(rows)


def test_a_signature_is_told_in_full():
    signed = Signature.of(template="a`b|c")
    found = differences.compare([replace(run(), signature=signed), baseline()])
    assert f"{signed}``" in render([found], "markdown")
