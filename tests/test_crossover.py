"""With how many labels a baseline overtakes a prompt: what is said, in every format, and what it costs."""

import csv
import io
import json
import math
from dataclasses import replace
from itertools import product
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from conftest import ROOT
from runs import baseline, run

from harness.cli import main
from harness.compare import differences, estimate
from harness.compare.crossover import about, bracket, crossover
from harness.compare.differences import Price
from harness.compare.payback import Terms, duration, payback
from harness.errors import InputError
from harness.report.crossover import missing, render
from harness.report.figure import draw
from harness.report.figures.crossover import figures
from harness.stats.intervals import Estimate
from harness.types import Spent, Trace

CURVE = {20: 0.5, 40: 0.6, 80: 0.68, 160: 0.74}
N = 900


def learnt(name="svm", curve=CURVE, seeds=(0, 1, 2), n=N, **more):
    """Runs of a baseline at the sizes of ``curve``, right on such shares."""
    return [
        baseline(name, n_train=size, train_size=str(size), hits=hits, n=n, seed=seed, draw=100 * size + seed, **more)
        for (size, hits), seed in product(curve.items(), seeds)
    ]


def asked(hits, n=N, draw=1, prompt=0, written=0, **more):
    """A prompt's run, with the tokens of an item."""
    made = run(hits=hits, n=n, draw=draw, **more)
    spent = Trace(spent=Spent(prompt, written))
    return replace(made, predictions=tuple(replace(each, trace=spent) for each in made.predictions))


def crossed(*runs, metric="accuracy"):
    return crossover(differences.compare(list(runs), metric))


TERMS = Terms(0.5, Price(1.0, 2.0), 100_000)


@pytest.fixture(scope="module")
def found():
    """A prompt that is overtaken between the sizes, one that is behind from the start, and one out of reach."""
    prompts = [
        asked(0.65, prompt=1000, written=10),
        asked(0.2, template="poor", draw=2, prompt=500),
        asked(0.99, template="chat", draw=3, prompt=2000, written=5),
    ]
    return crossed(*prompts, *learnt())


class TestCrossover:
    def test_says_where_a_baseline_overtakes(self, found):
        within, behind, far = found.crossings
        assert 55 < within.at.value < 80
        assert 20 < within.at.low < 60
        assert 70 < within.at.high < 160
        assert within.sentence == (
            f"svm overtakes some_model 5-shot (plain, balanced) at about {about(within.at.value)} labelled examples "
            f"[{about(within.at.low)}, {about(within.at.high)}]."
        )
        assert within.how == "between the sizes run"
        assert behind.at == Estimate(0, 0, 0)
        assert behind.sentence == (
            "svm is ahead of some_model 5-shot (poor, balanced) with 20 labelled examples already."
        )
        assert far.at.value == far.at.high == math.inf
        assert far.how == "not within 1,600"
        assert far.sentence.startswith(
            "svm does not overtake some_model 5-shot (chat, balanced) within 1,600 labelled examples, 10 times the "
            "data at hand"
        )

    def test_the_curve_is_given_at_forty_sizes_with_its_band(self, found):
        (curve,) = found.curves
        assert len(curve.fitted) == 40
        assert (curve.fitted[0][0], curve.fitted[-1][0]) == (20, pytest.approx(1600))
        assert all(at.low <= at.value <= at.high for _, at in curve.fitted)
        near = min(curve.fitted, key=lambda each: abs(each[0] - 80))[1]
        assert near.value == pytest.approx(0.68, abs=0.03)
        heights = [at.value for _, at in curve.fitted]
        assert heights == sorted(heights)

    def test_does_not_hang_on_the_order_of_runs(self, found):
        runs = [asked(0.65, prompt=1000), *learnt()]
        forth, back = crossed(*runs), crossed(*reversed(runs))
        assert forth.crossings[0].at == back.crossings[0].at
        assert forth.curves[0].fitted == back.curves[0].fitted

    def test_is_the_same_each_time(self, found):
        runs = [asked(0.65), *learnt()]
        assert crossed(*runs).sentences == crossed(*runs).sentences

    def test_what_is_better_the_lower_is_overtaken_from_above(self):
        """The Brier score falls as accuracy rises."""

        def told(made):
            metric = differences.family("brier", made.kind)
            (value,) = estimate.estimates(metric, [differences.statistics(made, metric)])
            return replace(made, scores={**made.scores, "brier": (value.value, value.low, value.high)})

        found = crossed(told(asked(0.65)), *map(told, learnt()), metric="brier")
        ((curve,), (crossing,)) = found.curves, found.crossings
        heights = [at.value for _, at in curve.fitted]
        assert heights == sorted(heights, reverse=True)
        assert all(at.low <= at.value <= at.high for _, at in curve.fitted)
        assert 45 < crossing.at.value < 95

    def test_documents_are_drawn_whole(self):
        """So that what is said of items in documents says how many these are."""
        found = crossed(asked(0.65, clusters=30), *learnt(clusters=30))
        assert any("the same items, by cluster (30)," in note for note in found.notes)
        assert 20 < found.crossings[0].at.value < 200

    def test_one_draw_a_size_is_told(self):
        found = crossed(asked(0.65), *learnt(seeds=(0,)))
        assert any("judged by the scatter about the curve of svm" in note for note in found.notes)
        assert found.crossings[0].at.low < 65 < found.crossings[0].at.high

    def test_one_draw_of_three_sizes_leaves_the_draws_unknown(self):
        short = {size: CURVE[size] for size in (20, 40, 80)}
        found = crossed(asked(0.65), *learnt(curve=short, seeds=(0,)))
        assert any("Nothing tells how much draws vary of svm" in note for note in found.notes)
        assert not any("fewer than three" in note for note in found.notes)

    def test_scores_that_fall_have_no_crossing(self):
        found = crossed(asked(0.65), *learnt(curve={20: 0.5, 40: 0.8, 80: 0.55, 160: 0.6}))
        assert math.isnan(found.crossings[0].at.value)
        assert found.sentences[0].startswith("svm scores worse with 80 examples than with 40, by more than chance")
        assert found.crossings[0].how == "not told: the scores fall"

    def test_answers_made_elsewhere_are_overtaken_too(self):
        made = run(
            hits=0.65,
            n=N,
            draw=1,
            predictor="recorded",
            template=None,
            selector=None,
            shots=None,
            answers="b",
            calibration=None,
        )
        assert crossed(made, *learnt()).crossings[0].prompt.startswith("b (recorded")

    def test_labels_that_a_prompt_takes_itself_are_told(self):
        """Demonstrations chosen for each item come from a pool that somebody has labelled."""
        made = asked(0.65, selector="knn")
        same, other = (
            replace(
                made,
                predictions=tuple(
                    replace(each, trace=Trace(demos=tuple(f"t{step * i + j}" for j in range(5))))
                    for i, each in enumerate(made.predictions)
                ),
            )
            for step in (0, 1)
        )
        said = "shows other demonstrations to other items, 904 in all, from 300 labelled examples"
        assert any(said in note for note in crossed(other, *learnt()).notes)
        assert not any("labels that it takes itself" in note for note in crossed(same, *learnt()).notes)

    def test_what_has_one_answer_by_nature_has_no_curve(self):
        found = crossed(asked(0.65), *learnt(), *learnt("majority"))
        assert [curve.name for curve in found.curves] == ["svm"]


def test_intervals_are_told_with_open_ends():
    cases = {(90, 260): " [90, 260]", (90, math.inf): " [at least 90]", (0, 260): " [at most 260]"}
    cases |= {(0, math.inf): " [any number]", (0, 0): "", (math.inf, math.inf): "", (math.nan, math.nan): ""}
    for ends, text in cases.items():
        assert bracket(Estimate(100, *ends), about) == text


class TestShort:
    def test_two_sizes_are_a_line_between_them_and_more_are_asked_for(self):
        found = crossed(asked(0.55), *learnt(curve={20: 0.5, 40: 0.6}))
        assert 20 < found.crossings[0].at.value < 40
        assert "harness run --baselines-only --task news_task --baseline svm --train-size 18,37,75,150,300 " in missing(
            found
        )
        beyond = crossed(asked(0.7), *learnt(curve={20: 0.5, 40: 0.6}))
        assert "within 40 labelled examples, the larger of its two sizes" in beyond.sentences[0]

    def test_one_size_has_no_curve_and_the_command_makes_it(self):
        found = crossed(asked(0.55), *learnt(curve={40: 0.6}), *learnt("knn:x", curve={40: 0.6}))
        assert not found.curves
        with pytest.raises(InputError, match="fewer than three training sizes were run: svm at 40, knn:x at 40"):
            render([(found, [])], "terminal")

    def test_the_command_keeps_what_the_runs_were_asked_for(self):
        study = {"task": "news_task", "baseline": ["svm", "embedding:mini lm"], "limit": 50, "without-overlap": True}
        study |= {"with": ["C=1"], "results": "my results", "seed": 7, "format": "json"}
        runs = [
            replace(each, environment={"study": json.dumps(study)})
            for each in learnt("embedding", curve={40: 0.6}, model="mini lm")
        ]
        said = missing(crossed(asked(0.55), *runs))
        assert said.endswith(
            "Run: harness run --baselines-only --task news_task --baseline 'embedding:mini lm' --train-size "
            "18,37,75,150,300 --seed 0,1,2 --limit 50 --without-overlap --with C=1 --results 'my results'"
        )
        broken = [replace(each, environment={"study": "{"}) for each in runs]
        assert "--baseline 'embedding:mini lm'" in missing(crossed(asked(0.55), *broken))

    def test_no_prompt_or_no_baseline_is_told(self):
        with pytest.raises(InputError, match="no prompt on these items to overtake"):
            render([(crossed(*learnt()), [])], "terminal")
        with pytest.raises(InputError, match="no baseline on these items that learns"):
            render([(crossed(asked(0.5)), [])], "terminal")


class TestMoney:
    def test_labels_are_paid_once_and_the_prompt_every_month(self, found):
        """(1,000 x 1 + 10 x 2) / 1,000,000 an item, times 100,000: 102 a month."""
        within, behind, far = (payback(crossing, TERMS) for crossing in found.crossings)
        size = float(about(within.crossing.at.value))
        assert within.tokens == (1000, 10)
        assert within.monthly == pytest.approx(102)
        assert within.labels.value == pytest.approx(0.5 * size)
        assert within.months.value == pytest.approx(0.5 * size / 102)
        assert within.months.low < within.months.value < within.months.high
        assert within.sentence.startswith(f"Labelling {size:.0f} [")
        assert (
            "some_model 5-shot (plain, balanced) costs 102 a month at 100,000 items: paid back in 0." in within.sentence
        )
        assert behind.sentence.startswith("Labelling 20 examples for svm, or fewer, costs 10.00 at most; ")
        assert far.sentence == (
            "some_model 5-shot (chat, balanced) costs 201 a month at 100,000 items; 1,600 labels, with which svm is "
            "not as good yet, cost 800."
        )

    def test_runs_that_tell_no_tokens_have_no_price(self):
        (crossing,) = crossed(asked(0.65), *learnt()).crossings
        found = payback(crossing, TERMS)
        assert math.isnan(found.monthly)
        assert math.isnan(found.months.value)
        assert "tell no tokens" in found.sentence

    @pytest.mark.parametrize(("label", "volume"), [(0, 10), (-1, 10), (1, 0), (1, math.inf), (math.nan, 1)])
    def test_money_that_cannot_be_is_refused(self, label, volume):
        with pytest.raises(InputError, match="must be above 0"):
            Terms(label, Price(1.0), volume)

    def test_time_is_told_in_months(self):
        assert [duration(months) for months in (0.04, 1.0, 6.21, 14.2, 60)] == [
            *("0.0 months", "1.0 month", "6.2 months", "14 months", "60 months (5 years)")
        ]


class TestFormats:
    @pytest.fixture(scope="class")
    def both(self, found):
        return [(found, [payback(crossing, TERMS) for crossing in found.crossings])]

    def test_json_has_no_number_that_it_cannot_hold(self, both, found):
        (made,) = json.loads(render(both, "json"))
        assert [each["labels"]["value"] for each in made["crossings"]] == [found.crossings[0].at.value, 0, None]
        assert made["crossings"][0]["monthly_cost"] == pytest.approx(102)
        assert len(made["curves"][0]["fitted"]) == 40
        assert (made["task"], made["metric"], made["n"], made["clusters"]) == ("news_task", "accuracy", N, None)

    def test_csv_has_a_line_a_crossing(self, both):
        rows = list(csv.DictReader(io.StringIO(render(both, "csv"))))
        assert len(rows) == 3
        assert float(rows[0]["labels.low"]) < float(rows[0]["labels"]) < float(rows[0]["labels.high"])
        assert rows[2]["labels"] == ""
        assert float(rows[0]["months"]) > 0

    @pytest.mark.parametrize("form", ["terminal", "markdown", "html", "latex"])
    def test_others_have_table_sentences_and_notes(self, form, both, found):
        flat = " ".join(render(both, form).split())
        for text in ("baseline", "overtakes at", "20 to 160 (4 sizes, 3 draws)", "below 20", "beyond 1,600", "months"):
            assert text in flat
        assert found.crossings[0].sentence.replace("_", r"\_" if form == "latex" else "_") in flat
        assert "Not counted: the items that judge both" in flat
        assert "nan" not in flat.lower().replace("finance", "")
        plain = render([(found, [])], form)
        assert "months" not in plain

    def test_html_is_well_formed(self, both):
        document = render(both, "html")  # its head has tags that nothing ends
        made = ElementTree.fromstring(document[document.index("<body>") :].removesuffix("\n</html>"))
        assert len(made.findall(".//tbody/tr")) == 3

    @pytest.mark.parametrize("form", ["terminal", "markdown", "html", "latex", "csv", "json"])
    def test_names_are_hostile(self, form):
        found = crossed(asked(0.65, template="<b>|`x`\x1b[31m_$"), *learnt(model="@evil\n<script>"))
        text = render([(found, [])], form)
        assert "\x1b" not in text
        if form == "html":
            assert "<script>" not in text
            assert "<b>" not in text
        if form == "markdown":
            rows = [line for line in text.splitlines() if line.startswith("| ")]
            assert len(rows) == 2

    def test_an_unknown_format_is_told(self, both):
        with pytest.raises(InputError, match="Did you mean 'latex'"):
            render(both, "latx")


class TestFigures:
    def test_show_curves_prompts_and_bills(self, found, tmp_path):
        paid = [payback(crossing, TERMS) for crossing in found.crossings]
        paths = draw(found.comparison, tmp_path, figures(found, paid))
        drawn = {path.name: path.read_bytes() for path in paths}
        curves, bills = (drawn[f"news_task-{name}.svg"].decode() for name in ("crossover", "payback"))
        for text in ("labelled examples", "accuracy", "svm", "some_model 5-shot (plain, balanced)", "1,600"):
            assert f"<!-- {text} -->" in curves
        for text in ("months at 100,000 items", "money", "some_model 5-shot (plain, balanced), paid so far"):
            assert f"<!-- {text} -->" in bills
        again = draw(found.comparison, tmp_path, figures(found, paid))
        assert {path.name: path.read_bytes() for path in again} == drawn

    def test_without_money_there_is_no_bill(self, found):
        assert [name for name, _ in figures(found, [])] == ["crossover"]


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


class TestCommand:
    def test_from_runs_to_the_answer(self, home):
        more = ("--task", "finsentiment", "--limit", 60)
        assert invoke("run", *more, "--baseline", "tfidf-svm").exit_code == 0
        few = invoke("report", "--crossover")
        assert few.exit_code == 2
        assert few.stderr.endswith(
            "Run: harness run --baselines-only --task finsentiment --baseline tfidf-svm --train-size 18,37,75,150,300 "
            "--seed 0,1,2 --limit 60\n"
        )
        said = few.stderr.split("Run: harness ")[1].split()
        assert invoke(*said).exit_code == 0
        done = invoke("report", "--crossover", "--label-cost", 0.5, "--price", "1,2", "--volume", 1e5, "--figure", "f")
        assert done.exit_code == 0, done.stderr
        assert "tfidf-svm" in done.stdout
        assert "tiny 0-shot (plain) costs " in done.stdout
        assert "18 to 300 (5 sizes, 3 draws)" in done.stdout
        assert (home / "f" / "finsentiment-crossover.png").exists()

    def test_money_needs_all_its_parts(self, home):
        for said, wanted in {
            ("--label-cost", 1): "add --crossover",
            ("--crossover", "--label-cost", 1): "takes all three",
            ("--crossover", "--volume", 1, "--price", "1"): "takes all three",
            ("--crossover", "--variance"): "reports of their own",
        }.items():
            done = invoke("report", *said)
            assert done.exit_code == 2
            assert wanted in done.stderr
        with pytest.raises(InputError, match="--volume 0: must be above 0"):
            Terms(1, Price(1.0), 0)


class TestDocs:
    def measured(self, name):
        return json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text())

    def rows(self):
        lines = (ROOT / "docs" / "crossover.md").read_text(encoding="utf-8").splitlines()
        return {tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("|")}

    def test_the_shares_are_those_of_the_bench(self):
        found = self.measured("crossover")
        names = {"all": "all", "one draw a size": "draws 1", "three draws": "draws 3", "five draws": "draws 5"}
        names |= {"documents": "documents 6", "runs that err on their own": "errors own"}
        for said, name in names.items():
            row = found[name]
            shares = [f"{100 * row[key]:.1f} %" for key in ("covered", "least", "most")]
            assert (said, str(row["cells"]), *shares) in self.rows()

    def test_the_crossings_are_those_of_the_bench(self):
        for task in ("finsentiment", "banking77"):
            made = self.measured("crossover-real")[task]
            for prompt in {each["prompt"] for each in made["crossings"]}:
                (row,) = (row for row in self.rows() if row[:2] == (task, prompt))
                found = [each["sentence"] for each in made["crossings"] if each["prompt"] == prompt]
                for cell, sentence in zip(row[2:], found, strict=True):
                    told = cell.removeprefix("below ")
                    assert told in sentence.replace(" labelled examples", "")
