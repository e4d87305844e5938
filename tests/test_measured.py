"""What the documents say was measured is what the benches found."""

import json
import math
import re

import gpu
import pytest
from conftest import ROOT

from harness import calibration, kinds, predictors
from harness.compare import differences
from harness.compare.finding import Finding, Line, Probed
from harness.report import Table
from harness.report.numbers import interval
from harness.report.probe import render
from harness.results import store
from harness.stats.intervals import Estimate

ORDER = [*predictors.BASELINES, "prompt"]


def page(name):
    return (ROOT / "docs" / f"{name}.md").read_text(encoding="utf-8")


def table(name, text):
    return re.search(rf"<!-- table: {name} -->\n(.*?)<!-- end table -->", text, flags=re.DOTALL)[1].strip()


def cells(name, text):
    """The rows of a table, without its header."""
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table(name, text).splitlines()[2:]]


def measured(name):
    return json.loads((ROOT / f"bench/results/{name}.json").read_text())


def said(text):
    return " ".join(text.split())


@pytest.fixture(scope="module")
def planning():
    return page("planning")


def reference(*models, but=()):
    """The table of the reference runs of ``models`` and of the baselines but some, as ``harness run`` prints it."""
    runs = [store.load(folder) for folder in store.find(ROOT / "results" / "reference", "finsentiment")]
    asked = [run for run in runs if run.spec["predictor"] == "prompt" and run.spec["model"] in models]
    trained = [run for run in runs if run.spec["predictor"] != "prompt" and run.spec["predictor"] not in but]
    chosen = [*trained, *asked]
    chosen.sort(
        key=lambda run: (
            ORDER.index(run.spec["predictor"]),
            run.spec["shots"] or 0,
            run.spec.get("calibration") or "",
        )
    )
    return Table(differences.compare(chosen)).render("markdown").partition("\n\n<details>")[0]


class TestReferenceRuns:
    def test_the_readme_has_the_table_of_a_real_model(self):
        text = (ROOT / "README.md").read_text(encoding="utf-8")
        left_out = ("tfidf-svm", "embedding", "setfit", "lora")
        assert table("finsentiment", text) == reference("smollm2", but=left_out)

    def test_the_page_of_baselines_has_them_all(self):
        assert table("baselines", page("baselines")) == reference("tiny")


class TestPlanning:
    def test_the_token_counts_are_those_of_the_bench(self, planning):
        rows = [row for name in ("transformers", "vllm") for row in measured(f"tokens-{name}")]
        for line, row in zip(cells("tokens", planning), rows, strict=True):
            assert line[0].startswith(row["engine"].partition("-")[0])
            assert line[-3:] == [
                f"{row['submitted_tokens']:,}",
                f"{row['computed_tokens']:,}",
                f"{row['computed_over_trie']:.3f}",
            ]

    def test_vllm_computes_the_least_that_whole_blocks_allow(self):
        rows = [row for row in measured("tokens-vllm") if row["least_in_blocks"]]
        assert len(rows) == 4
        for row in rows:
            assert row["computed_tokens"] == row["least_in_blocks"]

    def test_the_rivals_figures_are_those_of_the_bench(self, planning):
        rows = measured("vs_lm_eval")["settings"]
        shown = cells("lm_eval", planning)
        assert len(shown) == len(rows)
        for line, row in zip(shown, rows, strict=True):
            sides = [row[of][who] for of in ("seconds", "computed_tokens") for who in ("ours", "lm_eval")]
            past = f"{row['ratio_of_items']:.1f}" if row["ratio_of_items"] else "–"
            assert (line[0], line[3]) == (row["engine"], f"{row['items']:,}")
            assert line[5:9] == [f"{sides[0]:.1f}", f"{sides[1]:.1f}", f"{row['ratio']:.1f}", past]
            assert line[9:] == [f"{count:,}" for count in sides[2:]]
            if row["accuracy"]:
                assert row["accuracy"]["ours"] == row["accuracy"]["lm_eval"]
                assert row["largest_difference"] < (1e-4 if row["model"] == "smollm2" else 1e-5)

    def test_the_readme_tells_the_span_of_the_rivals_ratios(self):
        ratios = [row["ratio"] for row in measured("vs_lm_eval")["settings"] if row["engine"] != "null"]
        text = said((ROOT / "README.md").read_text(encoding="utf-8"))
        assert f"{min(ratios):.1f} to {max(ratios):.1f} times" in text

    def test_the_gpus_figures_are_those_of_the_bench(self, planning):
        found = measured("gpu")
        assert table("gpu", planning) == gpu.table(found["rows"])
        assert f"on one {found['machine'].partition(',')[0]}" in said(planning)
        assert f"vLLM {found['vllm']} beside" in planning

    def test_the_selectors_figures_are_those_of_the_bench(self, planning):
        found = measured("selection")
        assert found["pool"] == 1_000_000
        for line, (name, row) in zip(cells("selection", planning), found["selectors"].items(), strict=True):
            recall = f"{row['recall']:.3f}" if "recall" in row else "–"
            assert line[2:] == [f"{row['ms_batch_64']:.1f}", f"{row['ms_batch_256']:.1f}", recall], name

    def test_the_streams_figures_are_those_of_the_bench(self, planning):
        runs = {run["items"]: run for run in measured("stream")["runs"]}
        for start, items in (("A million items pass through in", 1_000_000), ("10,000 in", 10_000)):
            gib, ms = runs[items]["peak_mib"] / 1024, runs[items]["microseconds_an_item"] / 1000
            assert re.search(rf"{start} {gib:.2f} GiB( of memory)?, {ms:.2f} ms each", said(planning))

    def test_the_start_and_the_bootstrap_take_what_the_benches_say(self, planning):
        start, draws = measured("startup"), measured("bootstrap")
        text = said(planning)
        assert f"{start['ratio']:.0f} times a bare interpreter's start, {start['help_s']:.2f} s here" in text
        assert (
            f"take {draws['seconds']:.2f} s on one core, {round(draws['ratio'], -1)} times less than re-scoring" in text
        )

    def test_ray_costs_what_the_bench_says(self, planning):
        found = measured("spread")
        assert found["same_predictions"]
        assert f"{found['more_tokens']:.2f} times the tokens of one process" in said(planning)


def test_what_is_counted_in_words_is_counted():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(kinds.KINDS) == 9
    assert "**Nine kinds of answers**" in readme
    assert len(list((ROOT / "tasks").iterdir())) == 15
    assert "Fifteen small tasks" in page("data")


def test_the_calibrations_figures_are_those_of_the_bench():
    text = page("calibration")
    shown = iter([cell for line in cells("calibration", text) for cell in line[2:]])
    runs = measured("calibration")["runs"]
    for run in runs:
        value, low, high = run["macro_f1"]
        assert next(shown) == f"{value:.3f} [{low:.3f}, {high:.3f}]"
    assert next(shown, None) is None
    assert [line[0] for line in cells("calibration", text)][::2] == list(dict.fromkeys(run["template"] for run in runs))
    named = set(re.findall(r"^\| `([a-z:]+)` \|", text, flags=re.MULTILINE))
    assert named == set(calibration.CALIBRATIONS)


@pytest.mark.parametrize("name", ["finsentiment", "finsentiment-zh", "banking77"])
def test_what_probes_found_of_real_models_is_what_the_bench_says(name):
    found = measured("probes")[name]

    def estimate(said):
        return Estimate(*(math.nan if each is None else each for each in said.values()))

    def line(said):
        return Line(**{**said, "value": estimate(said["value"])})

    findings = [Finding(each["probe"], each["source"], tuple(map(line, each["lines"]))) for each in found["findings"]]
    scores = {row: estimate(said) for row, said in found["scores"].items()}
    about = (found[key] for key in ("task", "split", "n", "metric"))
    shown = render(Probed(*about, scores, tuple(findings)), "markdown").split("**\n\n")[1]
    assert table(f"probes-{name}", page("probes")) == shown.split("\n\n")[0]


def test_what_an_attack_flips_is_what_the_bench_says():
    rows = {}
    for line in measured("probes")["finsentiment-attack"]["findings"][0]["lines"]:
        if re.fullmatch(r"flipped by \d words?", line["measure"]):
            row = rows.setdefault(line["predictor"], [line["predictor"], f"{line['n']:,}"])
            row.append(interval(Estimate(**line["value"])))
    assert cells("attack", page("probes")) == list(rows.values())


def test_what_is_forgotten_is_what_the_bench_says():
    found, text = measured("continual"), said(page("transfer"))
    for learner, names in (("minilm", ("none", "replay", "ewc")), ("smollm2", ("none", "replay"))):
        rows = {row["strategy"]: row for row in found[learner]["rows"]}
        forgotten = [interval(Estimate(**rows[name]["forgetting"])) for name in names]
        assert f"forgetting is {forgotten[0]} with nothing done about it, {forgotten[1]} with replay" in text
        assert all(each in text for each in forgotten)
        averages = {name: f"{row['average']['value']:.3f}" for name, row in rows.items()}
        *first, last = (averages[name] for name in names)
        beside = f"{', '.join(first)} and {last}, beside {averages['joint']} of joint training"
        assert f"the averages are {beside}" in text
        if "prompt" in averages:
            assert f"{beside} and {averages['prompt']} of smollm2's prompt" in text
    rows = {row["strategy"]: row for row in found["smollm2"]["rows"]}
    (first, *_), *_, (without, *_) = rows["none"]["means"]
    kept = rows["replay"]["means"][-1][0]
    assert f"Without replay finsentiment falls from {first:.3f} to {without:.3f}; with it to {kept:.3f}" in text
    assert f"the average is higher by {interval(Estimate(**rows['replay']['gain']))}" in text


def test_the_page_is_as_fast_as_its_bench_says():
    found, text = measured("page"), said(page("page"))
    assert f"counts its items after {found['first_screen_counted_ms'] / 1000:.1f} seconds" in text
    assert f"scrolls at {1000 / found['frame_median_ms']:.0f} frames a second" in text
    assert f"(one frame in twenty takes up to {found['frame_95th_ms']:.0f} ms)" in text
    assert f"searches all texts in {found['first_search_ms'] / 1000:.1f} seconds" in text


def test_the_intervals_cover_as_the_bench_says():
    text, found = page("numbers"), measured("covering")
    groups = {}
    for cell in found["cells"]:
        groups.setdefault((cell["metric"], cell["documents"]), []).append(cell)
    for line, ((metric, documents), rows) in zip(cells("covering", text), groups.items(), strict=True):
        assert line[:2] == [metric, "in documents of 4" if documents else "of their own"]
        for place, (what, n) in enumerate((what, n) for what in ("covered", "passed") for n in ("60", "300", "1000")):
            shares = [100 * row[n][what] for row in rows]
            assert line[2 + place] == f"{min(shares):.1f} to {max(shares):.1f}"
    assert f"{found['draws']:,} draws a cell" in text
    assert f"{100 * found['standard_error']['covered']:.1f} points" in said(text)
    worst = max((cell[n]["passed"], cell["metric"], int(n)) for cell in found["cells"] for n in ("60", "300", "1000"))
    assert f"The highest share of wrong passes is {100 * worst[0]:.1f} %, of {worst[1]}" in said(text)
    assert f"with {worst[2]} items" in said(text)
