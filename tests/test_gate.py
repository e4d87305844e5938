"""The gate for a changed template: its rule, and the real command on planted templates."""

import json
import math
import shutil
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from conftest import ROOT
from hypothesis import given
from hypothesis import strategies as st

from harness.cli import main
from harness.compare import differences
from harness.errors import InputError
from harness.gate import verdict
from harness.gate.verdict import Decision
from harness.kinds.classification import Classification
from harness.results import checksum, store
from harness.results.store import Run
from harness.stats.intervals import Estimate
from harness.types import Example, Prediction, Signature, Status

LABELS = ("a", "b")
KIND = Classification(labels=list(LABELS))
CHECK = ("check", "--task", "finsentiment")


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


def run_of(outputs, targets=None, tags=None, clusters=None):
    """A run from its answers; the item's label is ``a`` unless said; None is an answer that could not be parsed."""
    targets = targets or ["a"] * len(outputs)
    examples = tuple(
        Example(f"i{i}", {}, target, clusters[i] if clusters else None, {"kind": tags[i]} if tags else {})
        for i, target in enumerate(targets)
    )
    predictions = tuple(
        Prediction(e.id, said, Status.OK if said else Status.UNPARSED)
        for e, said in zip(examples, outputs, strict=True)
    )
    spec = {"predictor": "prompt", "seed": 0, "train_size": None}
    counts = {"unparsed": sum(said is None for said in outputs)}
    return Run("r", "t", spec, Signature(()), "h", KIND, predictions, examples, {}, {}, counts, {})


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.00, -0.01, 0.01, Decision.PASS),
        (0.05, 0.02, 0.08, Decision.PASS),
        (-0.010, -0.019, -0.001, Decision.PASS),  # surely a little worse, surely within the margin
        (0.00, -0.02, 0.02, Decision.UNDECIDED),  # the bound must lie above the margin, not at it
        (0.10, -0.05, 0.25, Decision.UNDECIDED),  # never a pass for looking good
        (-0.01, -0.05, 0.03, Decision.UNDECIDED),  # not significant is not a pass
        (-0.03, -0.08, 0.02, Decision.REGRESSION),  # the estimate itself is beyond the margin
        (-0.015, -0.029, -0.001, Decision.REGRESSION),  # surely worse, and not surely within the margin
        (math.nan, math.nan, math.nan, Decision.UNDECIDED),  # unknown is not a pass
    ],
)
def test_the_rule(value, low, high, expected):
    assert verdict.decide(Estimate(value, low, high), 0.02) is expected


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 0.5))
def test_passes_if_and_only_if_the_bound_lies_within_the_margin(value, below, above, margin):
    estimate = Estimate(value, value - below, value + above)
    assert (verdict.decide(estimate, margin) is Decision.PASS) == (estimate.low > -margin)


class TestJudge:
    def test_flips_slices_and_bounds(self):
        old = run_of(["a"] * 90 + ["b"] * 10, tags=["x"] * 50 + ["y"] * 50)
        new = run_of(["b"] * 12 + ["a"] * 80 + ["b"] * 8, tags=["x"] * 50 + ["y"] * 50)
        found = verdict.judge([new], [old], "accuracy", 0.05)
        assert [flip.id for flip in found.worse] == [f"i{i}" for i in range(12)]
        assert [flip.id for flip in found.better] == ["i90", "i91"]
        assert (found.worse[0].old, found.worse[0].new, found.worse[0].target) == ("a", "b", "a")
        slices = {each.name: each for each in found.slices}
        assert slices["kind: x"].new - slices["kind: x"].old == pytest.approx(-0.24)
        # Exact McNemar: 12 against 0 in kind x; Holm over three slices (label a: 12 against 2).
        assert slices["kind: x"].adjusted == pytest.approx(3 * 2 * 0.5**12)
        assert slices["kind: y"].adjusted == pytest.approx(0.5)
        assert found.decision is Decision.REGRESSION
        assert found.findings[0].difference.value == pytest.approx(-0.10)

    def test_items_are_paired_by_id_not_by_place(self):
        old = run_of(["a", "b"] * 40, ["a", "b"] * 40)
        mixed = replace(old, predictions=old.predictions[::-1], examples=old.examples[::-1])
        found = verdict.judge([mixed], [old], "accuracy", 0.05)
        assert not found.worse
        assert not found.better

    def test_undecided_says_how_many_items_it_would_take(self):
        old = run_of(["a"] * 60 + ["b"] * 20)
        new = run_of(["b"] * 4 + ["a"] * 60 + ["b"] * 16)
        found = verdict.judge([new], [old], "accuracy", 0.05)
        assert found.decision is Decision.UNDECIDED
        assert found.needed > 80
        again = verdict.judge([new], [old], "accuracy", 0.06)
        assert again.needed is None or again.needed < found.needed

    def test_identical_prompts_with_identical_answers_pass_however_few(self):
        run = run_of(["a"] * 6)
        assert verdict.judge([run], [run], "accuracy", 0.01).decision is Decision.UNDECIDED
        assert verdict.judge([run], [run], "accuracy", 0.01, identical=True).decision is Decision.PASS
        other = run_of(["a"] * 3 + ["b"] * 3)  # the same prompts, but other answers: judged as any other
        assert verdict.judge([other], [run], "accuracy", 0.01, identical=True).decision is Decision.REGRESSION

    def test_parse_failures_are_a_gate_of_their_own(self):
        old = run_of(["a"] * 150 + ["b"] * 150)
        new = run_of(["a"] * 150 + [None] * 100 + ["b"] * 50)
        found = verdict.judge([new], [old], "accuracy", 0.05)
        metric, parse = found.findings
        assert metric.decision is Decision.PASS  # what fails to parse was wrong before
        assert parse.decision is Decision.REGRESSION
        assert found.decision is Decision.REGRESSION
        fewer = verdict.judge([old], [new], "accuracy", 0.05)
        assert fewer.findings[1].decision is Decision.PASS

    def test_seeds_are_a_second_level(self):
        good, bad = run_of(["a"] * 200), run_of(["a"] * 170 + ["b"] * 30)
        pair = verdict.judge([good, bad], [good, good], "accuracy", 0.02).findings[0].difference
        alone = verdict.judge([bad], [good], "accuracy", 0.02).findings[0].difference
        assert pair.value == pytest.approx(alone.value / 2)
        assert pair.high - pair.low > alone.high - alone.low  # one draw in two is bad: that is what is uncertain

    @pytest.mark.parametrize("margin", [0.0, -0.1, 1.0, math.nan])
    def test_a_margin_that_nothing_can_meet(self, margin):
        run = run_of(["a"] * 20)
        with pytest.raises(InputError, match=r"20 items accuracy can pass at margins above 0\.119"):
            verdict.judge([run], [run], "accuracy", margin)


class TestSequential:
    def test_certain_answers_stop_and_others_go_on(self):
        same = run_of(["a"] * 400)
        assert verdict.judge_sequentially(same, same, 0.05, last=False).decision is Decision.PASS
        few = run_of(["a"] * 20)
        assert verdict.judge_sequentially(few, few, 0.05, last=False).decision is Decision.UNDECIDED
        bad = run_of(["b"] * 40 + ["a"] * 20)
        assert verdict.judge_sequentially(bad, run_of(["a"] * 60), 0.05, last=False).decision is Decision.REGRESSION

    def test_before_the_end_an_estimate_alone_decides_nothing(self):
        old, new = run_of(["a"] * 20), run_of(["a"] * 18 + ["b"] * 2)
        assert verdict.judge_sequentially(new, old, 0.05, last=False).decision is Decision.UNDECIDED
        assert verdict.judge_sequentially(new, old, 0.05, last=True).decision is Decision.REGRESSION

    def test_undecided_at_the_end_says_how_many(self):
        old, new = run_of(["a"] * 60), run_of(["a"] * 59 + ["b"])
        found = verdict.judge_sequentially(new, old, 0.05, last=True)
        assert found.decision is Decision.UNDECIDED
        assert found.needed > 60


BROKEN = """---
description: Each label is given another's name.
verbalizer: {positive: negative, negative: neutral, neutral: positive}
---
{% for shot in shots %}
Text: {{ shot.text }}
Label: {{ shot.answer }}

{% endfor %}
Text: {{ text }}
Label:
"""


@pytest.fixture
def planted(home):
    """A working folder with three templates beside the built-in ``plain``: a copy with a comment, a rewording, a
    broken one."""
    folder = home / "prompts" / "finsentiment"
    folder.mkdir(parents=True)
    plain = (ROOT / "prompts" / "finsentiment" / "plain.j2").read_text()
    (folder / "same.j2").write_text(plain.replace("{% for", "{# a remark #}{% for"))
    (folder / "reworded.j2").write_text(plain.replace("Label:", "Class:"))
    (folder / "broken.j2").write_text(BROKEN)
    return home


class TestCommand:
    def test_three_planted_templates(self, planted):
        against = ("--against", "plain", "--shots", 5)
        first = invoke(*CHECK, "--template", "plain", *against)
        assert first.exit_code == 0, first.output
        same = invoke(*CHECK, "--template", "same", *against)
        assert same.exit_code == 0
        assert "the same prompts" in same.output
        assert "tokens computed    0" in same.output

        reworded = invoke(*CHECK, "--template", "reworded", *against)
        assert reworded.exit_code in (0, 3), reworded.output
        runs = {run.spec["template"]: run for run in map(store.load, store.find(planted / "results"))}
        gap = differences.difference([runs["reworded"]], [runs["plain"]], "macro-f1", level=0.9)
        assert (reworded.exit_code == 0) == (gap.low > -0.02)
        assert reworded.output.startswith({0: "PASS", 3: "UNDECIDED"}[reworded.exit_code])

        broken = invoke(*CHECK, "--template", "broken", *against)
        assert broken.exit_code == 1
        assert broken.output.startswith("REGRESSION")
        assert "label: neutral" in broken.output
        assert "phenomenon: plain" in broken.output
        assert "Wrong now, right before" in broken.output

    def test_too_few_items_are_undecided_and_mapped(self, planted):
        few = (*CHECK, "--template", "reworded", "--against", "plain", "--limit", 12, "--margin", 0.2)
        found = invoke(*few)
        assert found.exit_code == 3, found.output
        assert "it would take about" in found.output or "too close to the margin" in found.output
        assert invoke(*few, "--undecided", "pass").exit_code == 0
        assert invoke(*few, "--undecided", "fail").exit_code == 1

    def test_a_saved_baseline_lets_ci_run_without_the_old_template(self, planted):
        saved = invoke(*CHECK, "--template", "plain", "--save", "--shots", 2, "--split", "dev", "--margin", 0.2)
        assert saved.exit_code == 0, saved.output
        path = planted / "prompts" / "finsentiment" / "plain.baseline.json"
        shutil.rmtree(planted / "results")
        # The options are those it was saved with.
        unchanged = invoke(*CHECK, "--template", "plain")
        assert unchanged.exit_code == 0, unchanged.output
        assert "60 items" in unchanged.output
        (planted / "prompts" / "finsentiment" / "plain.j2").write_text(BROKEN)
        junit, comment = planted / "out.xml", planted / "out.md"
        broken = invoke(*CHECK, "--template", "plain", "--junit", junit, "--markdown", comment, "--github")
        assert broken.exit_code == 1, broken.output
        suite = ElementTree.parse(junit).getroot().find("testsuite")
        assert suite.get("failures") == "1"
        assert suite.find("testcase/failure").get("type") == "regression"
        assert comment.read_text().startswith("### REGRESSION: `finsentiment/plain`")
        assert "::error file=prompts/finsentiment/plain.j2,title=harness check: regression::" in broken.output
        other = invoke(*CHECK, "--template", "plain", "--shots", 3)
        assert other.exit_code == 2
        assert "its shots is 2, but here it is 3" in other.stderr

        def corrupted(**change):
            changed = {**json.loads(path.read_text()), **change}
            del changed["checksum"]
            path.write_text(json.dumps({**changed, "checksum": checksum.of_document(changed)}))
            done = invoke(*CHECK, "--template", "plain")
            assert done.exit_code == 2, done.output
            return done.stderr

        assert "its kind is" in corrupted(
            kind={"name": "classification", "labels": ["neutral", "negative", "positive"]}
        )
        assert "its task is 'other'" in corrupted(task="other")
        assert "layout 99" in corrupted(version=99)
        path.write_text(path.read_text()[:200])
        assert "no baseline that can be read" in invoke(*CHECK, "--template", "plain").stderr

    def test_all_ends_with_one_table(self, planted):
        nothing = invoke("check", "--all")
        assert nothing.exit_code == 2
        for name in ("plain", "reworded"):
            made = invoke(*CHECK, "--template", name, "--save", "--split", "dev", "--margin", 0.3)
            assert made.exit_code == 0, made.output
        fine = invoke("check", "--all")
        assert fine.exit_code == 0, fine.output
        last = fine.output.rsplit("template  ", 1)[1]
        assert "finsentiment/plain" in last
        assert "finsentiment/reworded" in last
        assert "No saved baseline" in last
        (planted / "prompts" / "finsentiment" / "reworded.j2").write_text(BROKEN)
        assert invoke("check", "--all").exit_code == 1

    def test_sequential_stops_early_on_what_is_certain(self, planted):
        args = ("--against", "plain", "--shots", 5, "--metric", "accuracy", "--sequential")
        broken = invoke(*CHECK, "--template", "broken", *args)
        assert broken.exit_code == 1, broken.output
        assert "of 300 items" in broken.output
        refused = invoke(*CHECK, "--template", "broken", "--against", "plain", "--sequential")
        assert refused.exit_code == 2
        assert "--metric accuracy" in refused.stderr

    def test_sequential_against_a_saved_baseline_and_a_run(self, planted):
        made = invoke("run", "--task", "finsentiment", "--split", "dev", "--format", "json")
        name = json.loads(made.stdout)[0]["run"]
        dev = ("--split", "dev", "--metric", "accuracy", "--sequential")
        found = invoke(*CHECK, "--template", "broken", "--against", name, *dev)
        assert found.exit_code == 1, found.output
        saved = invoke(*CHECK, "--template", "plain", "--save", "--split", "dev", "--metric", "accuracy")
        assert saved.exit_code == 0, saved.output
        (planted / "prompts" / "finsentiment" / "plain.j2").write_text(BROKEN)
        assert invoke(*CHECK, "--template", "plain", "--sequential").exit_code == 1

    @pytest.mark.parametrize(
        ("args", "said"),
        [
            (("--template", "plain"), "has no saved baseline"),
            (("--template", "plain", "--against", "plian"), "Did you mean 'plain'"),
            (("--template", "plain", "--against", "chat", "--margin", "0"), "must lie between 0 and 1"),
            (("--template", "plain", "--against", "chat", "--metric", "acuracy"), "Did you mean 'accuracy'"),
            ((), "--template NAME"),
        ],
    )
    def test_wrong_use(self, home, args, said):
        done = invoke(*CHECK, *args)
        assert done.exit_code == 2
        assert said in done.stderr
        assert not (home / "results").exists()

    def test_a_run_over_other_items_is_refused(self, home):
        made = invoke("run", "--task", "finsentiment", "--limit", 20, "--format", "json")
        name = json.loads(made.stdout)[0]["run"]
        done = invoke(*CHECK, "--template", "plain", "--against", name)
        assert done.exit_code == 2
        assert "its items_hash is" in done.stderr
        assert len(store.find(home / "results")) == 1  # refused before anything was computed


class TestPlan:
    def test_assumed_then_seen(self, home):
        assert "0.200, assumed" in invoke("plan", "--task", "finsentiment").output
        invoke("run", "--task", "finsentiment", "--template", "plain,chat", "--limit", 60)
        assert "the median of one pair of prompts" in invoke("plan", "--task", "finsentiment").output

    def test_smaller_margins_need_more_items(self, home):
        def items(margin):
            said = invoke("plan", "--task", "finsentiment", "--discordance", 0.1, "--margin", margin).output
            return int(said.split("about ")[1].split(" items")[0].replace(",", ""))

        assert items(0.02) > 5 * items(0.05)

    @pytest.mark.parametrize("option", [("--margin", 0), ("--power", 1), ("--discordance", 2), ("--difference", 0.5)])
    def test_wrong_use(self, home, option):
        done = invoke("plan", "--task", "finsentiment", *option)
        assert done.exit_code == 2
        assert option[0] in done.stderr
