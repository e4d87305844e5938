"""Probes beside what they qualify: a loss beyond a baseline's, one table of all, a criterion of the gate, and no row of
a report."""

import json

import numpy as np
import pytest
from click.testing import CliRunner
from planted import project
from runs import LABELS, baseline, run
from shell import harness as shell

from harness.cli import main
from harness.compare import differences, estimate
from harness.compare.finding import BEYOND, Finding, Flip, Line, Probed
from harness.compare.groups import CHANGED, comparable
from harness.probe import PROBES
from harness.probe.changed import Pair, beyond
from harness.report.probe import FORMATS, render
from harness.stats.intervals import Estimate
from harness.stats.multiple import adjust
from harness.types import Prediction

ASKED = ("--task", "finsentiment", "--limit", "60")
CHECK = ("check", *ASKED, "--template", "plain", "--against", "letters", "--margin", "0.5")


def invoke(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def score(one):
    made = differences.family("macro-f1", one.kind)
    return float(made.score(differences.statistics(one, made).sum(0))[0])


def pair(made, before, after, draw):
    return Pair((made(hits=before, draw=draw),), (made(hits=after, draw=draw),))


def test_a_loss_is_held_against_that_of_the_best_baseline_on_the_same_items():
    prompt, best = pair(run, 0.9, 0.6, 1), pair(baseline, 0.8, 0.75, 2)
    other = pair(lambda **how: baseline("tree", **how), 0.5, 0.5, 3)
    found = {each.predictor.split()[0]: each for each in beyond([prompt, best, other], "macro-f1")}
    assert len(found) == 2
    for line, own in ((next(iter(found.values())), prompt), (found["tree,"], other)):
        assert "beyond that of svm" in line.measure
        wanted = score(own.after[0]) - score(own.before[0]) - (score(best.after[0]) - score(best.before[0]))
        assert line.value.value == pytest.approx(wanted)
        assert line.value.low < wanted < line.value.high
        assert line.signed
    assert not list(beyond([prompt], "macro-f1"))


def test_losses_that_are_alike_are_no_difference():
    """Over made-up predictors that lose as much as the baseline the interval leaves out 0 about as often as it says."""
    missed = 0
    for draw in range(60):
        own, other = pair(run, 0.8, 0.7, 2 * draw), pair(baseline, 0.8, 0.7, 2 * draw + 1000)
        (line,) = beyond([own, other], "macro-f1")
        missed += not line.value.low <= 0 <= line.value.high
    assert missed <= 9  # of 60 at 5 %: more come once in a thousand


@pytest.mark.parametrize(("lose", "least"), [(0.0, 150), (0.05, 138), (0.15, 136)])
def test_the_interval_of_a_loss_beyond_anothers_covers(lose, least):
    """150 studies of 60 items of which two predictors lose as large a share of their right answers: 95 % cover, less
    the two standard errors that 150 allow; where nothing is lost, that is no proof that nothing ever is."""
    base = run("r", n=60)
    metric, inside = differences.family("accuracy", base.kind), 0

    def table(right):
        said = [
            Prediction(e.id, e.target if hit else LABELS[LABELS.index(e.target) - 1])
            for e, hit in zip(base.examples, right, strict=True)
        ]
        return metric.statistics(base.examples, said)

    for seed in range(150):
        draw = np.random.default_rng(seed)
        before = [draw.random(60) < hits for hits in (0.75, 0.75)]
        after = [right & (draw.random(60) >= lose) for right in before]
        own, other = ([(table(new), table(old))] for new, old in zip(after, before, strict=True))
        found = estimate.change(metric, "accuracy", own, other)
        inside += found.low <= 0 <= found.high and found.low < found.high
    assert inside >= least


HOSTILE = "<script>|x`\x1b[31m"


def suite(name="tiny 0-shot (plain)", scores=True):
    """Two predictors under three probes; what is said of a pair of them is of neither."""
    other = "tfidf, 300 train"

    def line(who, measure, value, p=None, n=60):
        return Line(who, measure, Estimate(value, value - 0.1, value + 0.1), n, 0.5, 0.5 + value, 3, 1, p)

    typos = Finding(
        "typos",
        "Some 2019",
        (
            line(name, "change of accuracy", -0.2, 0.004),
            line(other, "change of accuracy", -0.1, 0.03),
            Line(name, f"{BEYOND} {other}", Estimate(-0.1, -0.3, 0.1), 60),
        ),
        ("60 of 60 items changed.",),
        (Flip(name, "a", "x", f"y{HOSTILE}", "cat", None, "cat"),),
    )
    case = Finding("case", "Some 2020", tuple(line(who, "change of accuracy", 0.0, 0.9, n=7) for who in (name, other)))
    spread = [line(name, f"accuracy: {what}", 0.3, p) for what, p in (("lowest to highest", 0.02), ("median", None))]
    both = line(f"{name} and {other}", "share of pairs", 0.4)
    found = (typos, case, Finding("format", "Some 2024", (*spread, both)))
    known = {name: Estimate(0.5, 0.4, 0.6), other: Estimate(0.7, 0.6, 0.8)} if scores else {}
    return Probed("pets", "test", 60, "accuracy", known, found)


def test_the_one_table_has_what_each_probe_says_first_and_adjusts_for_all_of_it():
    rows = suite().page()
    assert [(row.probe, row.measure) for row in rows] == [
        ("typos", "change of accuracy"),
        ("typos", f"{BEYOND} tfidf, 300 train"),
        ("case", "change of accuracy"),
        ("format", "accuracy: lowest to highest"),
    ]
    assert [len(row.lines) for row in rows] == [2, 1, 2, 1]
    shown = [line.p for row in rows for line in row.lines.values() if line.p is not None]
    assert shown == pytest.approx(adjust([0.004, 0.03, 0.9, 0.9, 0.02]))


@pytest.mark.parametrize("form", FORMATS)
def test_what_was_found_is_shown_and_acts_nowhere(form):
    shown = render(suite(f"tiny{HOSTILE}"), form)
    assert "\x1b" not in shown
    assert ("<script>" in shown) == (form != "html")  # Markdown has it as code
    if form == "json":
        made = json.loads(shown)
        assert [each["probe"] for each in made["findings"]] == ["typos", "case", "format"]
        assert made["scores"]["tfidf, 300 train"] == {"value": 0.7, "low": 0.6, "high": 0.8}
    elif form == "csv":
        assert len(shown.splitlines()) == 1 + 8
    else:
        assert "0.700 [0.600, 0.800]" in shown
        assert "-0.200 [-0.300, -0.100] †" in shown
        assert "-0.100 [-0.200, +0.000]" in shown
        assert "-0.100 [-0.200, +0.000] †" not in shown  # 0.03, and adjusted no more
        assert "case, n = 7" in shown


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_one_probe_or_items_of_its_own_are_no_page(form):
    whole = suite()
    alone = Probed("pets", "test", 60, "accuracy", whole.scores, whole.findings[:1])
    for probed in (alone, suite(scores=False)):
        assert "as it is" not in render(probed, form)
    assert "as it is" in render(whole, form)


@pytest.mark.slow
def test_a_baseline_stands_beside_itself_trained_otherwise(home):
    twice = "tfidf-svm,tfidf-svm+C=0.01"
    words = ("probe", "typos", "case", *ASKED, "--baselines-only", "--baseline", twice)
    done = invoke(*words, "--output", "probed.html")
    assert done.exit_code == 0, done.output
    assert "Wrote probed.html" in done.stderr
    document = (home / "probed.html").read_text(encoding="utf-8")
    assert "tfidf-svm, 300 train" in document
    assert "tfidf-svm (C=0.01), 300 train" in document
    made = json.loads(invoke(*words, "--format", "json").stdout)
    one, two = made["scores"].values()
    assert one != two
    assert len(made["findings"][0]["lines"]) == 3


@pytest.mark.slow
def test_a_probe_that_cannot_look_takes_nothing_from_the_others(home):
    project(home, n=20)
    words = ("probe", "typos", "swap", "--task", "pets", "--baselines-only", "--baseline", "tfidf-svm")
    done = invoke(*words)
    assert done.exit_code == 2
    assert "probe 'swap': nothing in the 20 items" in " ".join(done.stderr.split())
    assert "change of accuracy" in done.stdout
    alone = invoke(words[0], *words[2:])
    assert alone.exit_code == 2
    assert not alone.stdout


def test_runs_on_changed_items_are_no_rows_of_a_report():
    made = [run(), run("changed", split=f"test{CHANGED}typos"), baseline()]
    assert comparable(made) == [[made[0], made[2]]]


@pytest.mark.slow
def test_the_gate_judges_what_a_template_loses_under_a_probe(home):
    probed = invoke("probe", "case", *ASKED, "--format", "json")
    assert probed.exit_code == 0, probed.output
    value = json.loads(probed.stdout)["findings"][0]["lines"][0]["value"]["value"]
    for most, code in ((0.9, 0), (1e-6, 1)):
        done = invoke(*CHECK, "--probe", f"case:{most}")
        assert done.exit_code == code, done.output
        line = next(line for line in done.stdout.splitlines() if line.startswith("  under case"))
        assert np.isclose(float(line.split()[2]), value, atol=5e-4)
    assert invoke("report", "--format", "json", "--task", "finsentiment").exit_code == 0
    rows = json.loads(invoke("report", "--format", "json").stdout)
    assert {row["n"] for row in rows} == {60}
    assert len(rows) == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--probe", "typos"), "give NAME:LOSS, such as typos:0.03"),
        (("--probe", "typo:0.03"), "unknown probe 'typo'. Did you mean 'typos'"),
        (("--probe", "format:0.03"), "unknown probe that changes items 'format'"),
        (("--probe", "typos:3"), "lies between 0 and 1"),
        (("--probe", "typos:0.03", "--sequential", "--metric", "accuracy"), "leave out --cost-margin"),
    ],
)
def test_a_probe_that_the_gate_cannot_judge_is_told(home, words, said):
    done = invoke(*CHECK, *words)
    assert done.exit_code == 2
    assert said in " ".join(done.stderr.split())


@pytest.mark.slow
def test_the_command_says_what_each_found(home):
    project(home, n=20)
    words = [
        "--task",
        "pets",
        "--shots",
        "2",
        "--model",
        "tiny",
        "--probe-with",
        "formats=4,orders=2,draws=2,probing=8",
    ]
    names = ["format", "order", "draw", "leak", "explain", "repeat"]
    assert set(names) <= set(PROBES)
    code, out, err = shell("probe", *names, *words, "--format", "json", cwd=home)
    assert code == 0, err
    found = json.loads(out)["findings"]
    assert [each["probe"] for each in found] == names
    assert all(each["lines"] and each["notes"] for each in found)
    code, out, err = shell("probe", "draw", *words[:-2], "--probe-with", "draw.drws=3", cwd=home)
    assert code == 2
    assert "Did you mean 'draws'" in err
