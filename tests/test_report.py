"""Tables, files and figures: every format holds every row, and nothing it cannot know."""

import csv
import io
import json
import math
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from harness import compare, estimate, metrics, results
from harness.compare import Price
from harness.errors import InputError
from harness.report import FORMATS, Table, render
from harness.report.cells import footer
from harness.report.figure import draw
from harness.report.latex import escape
from harness.report.variance import render as render_variance
from harness.results import Run
from harness.types import Example, Prediction, Signature, Status
from harness.variance import _factors, decompose

LABELS = ("good", "bad", "so_so")
NAMES = ("accuracy", "macro-f1")


SIGNED = ("predictor", "template", "shots", "order", "mode", "model", "n_train", "seed")


def run(
    name="r",
    hits=0.7,
    n=120,
    seed=0,
    draw=0,
    clusters=None,
    stated=True,
    history=(),
    unparsed=0,
    mentioned=None,
    signed=SIGNED,
    **spec,
):
    """A run whose answers are right on a share ``hits`` of the items, drawn by ``draw``."""
    rng = np.random.default_rng(draw)
    examples = tuple(
        Example(f"i{i}", {}, LABELS[i % 3], clusters and f"d{i // clusters}", {"kind": "xy"[i % 2]}) for i in range(n)
    )
    predictions = []
    for i, example in enumerate(examples):
        place = i % 3 if rng.random() < hits else (i + 1) % 3
        logprobs = tuple(math.log(0.8 if j == place else 0.1) for j in range(3)) if stated else None
        if i < unparsed:
            named = example.target if mentioned == "target" else mentioned
            predictions.append(Prediction(example.id, None, Status.UNPARSED, mentioned=named))
        else:
            predictions.append(Prediction(example.id, LABELS[place], label_logprobs=logprobs))
    scores = {}
    for metric in (metrics.create(each, LABELS) for each in NAMES):
        table = metric.statistics(examples, predictions)
        (found,) = estimate.estimates(metric, [table], results.clusters(examples))
        scores[metric.names[0]] = (found.value, found.low, found.high)
    whole = {
        "predictor": "prompt",
        "template": "plain",
        "selector": "balanced",
        "shots": 5,
        "order": "ascending",
        "model": "org/some_model",
        "seed": seed,
        "split": "test",
        "n": n,
        "n_train": 300,
        "train_size": None,
        "main_metric": "macro-f1",
        **spec,
    }
    if whole["predictor"] != "prompt":
        whole |= {"template": None, "selector": None, "shots": None, "order": None}
    signature = Signature.of(**{key: whole.get(key) for key in signed})
    if whole["shots"]:
        signature += Signature.of(selector=f"{whole['selector']}(seed={seed})")
    usage = {"computed_tokens": 1000, "generated_tokens": 0, "seconds": 1.5, "submitted_tokens": 9, "trie_tokens": 9}
    counts = {"ok": n - unparsed, "unparsed": unparsed}
    return Run(
        f"{name}-{seed}-{draw}",
        "news_task",
        whole,
        signature,
        f"items-{n}",
        LABELS,
        tuple(predictions),
        examples,
        scores,
        usage,
        counts,
        {},
        history,
    )


def baseline(name="svm", **params):
    return run(**{"predictor": name, "model": None, "hits": 0.6, "draw": 7, **params})


@pytest.fixture
def table():
    runs = [run("p", seed=seed, draw=seed) for seed in (0, 1, 2)]
    return compare.compare([*runs, run("q", hits=0.9, template="chat", draw=5), baseline()])


class TestRows:
    def test_inputs_that_were_cut_are_told(self):
        cut = baseline()
        cut = replace(cut, counts={**cut.counts, "cut_inputs": 1234})
        lines = [line for line in footer(compare.compare([run("p"), cut])) if "longer" in line]
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
        assert compare.compare([*runs, worse]).reference == "svm"
        assert compare.compare([*runs, worse], reference="majority").reference == "majority"
        with pytest.raises(InputError, match="Did you mean 'majority'"):
            compare.compare([*runs, worse], reference="majorty")

    def test_p_is_adjusted_for_the_rows(self, table):
        for row in table.rows[:2]:
            assert row.p <= row.adjusted <= 1
        runs = [run for row in table.rows for run in row.runs]
        plain = compare.compare(runs, correction="none")
        assert [row.adjusted for row in plain.rows] == [row.p for row in plain.rows]
        with pytest.raises(InputError, match="unknown correction"):
            compare.compare(runs, correction="bonferoni")

    def test_training_sizes_are_rows_of_their_own(self):
        sizes = [baseline(n_train=size, train_size=str(size), seed=seed) for size in (20, 100) for seed in (0, 1)]
        found = compare.compare(sizes)
        assert [row.label for row in found.rows] == ["svm (seeds 0, 1), 20 train", "svm (seeds 0, 1), 100 train"]

    def test_only_rows_of_one_size_need_a_mark_to_be_told_apart(self):
        found = compare.compare([baseline(), baseline(n_train=20, train_size="20"), baseline(n_train=20, draw=8)])
        assert [row.label for row in found.rows] == ["svm, 300 train", "svm #r-0-7, 20 train", "svm #r-0-8, 20 train"]

    def test_clusters_are_told_and_widen(self):
        plain = compare.compare([run(), baseline()], metric="accuracy")
        whole = compare.compare([run(clusters=12), baseline(clusters=12)], metric="accuracy")
        assert "whole clusters drawn" in Table(whole).render("markdown")
        assert "whole clusters drawn" not in Table(plain).render("markdown")
        assert whole.rows[0].p != plain.rows[0].p

    def test_other_items_are_refused_by_name(self):
        with pytest.raises(InputError, match="items_hash is 'items-120' in r-0-0 but 'items-90'"):
            compare.compare([run(), run(n=90)])

    def test_items_in_another_order_are_the_same_items(self):
        one, two = run(), baseline()
        mixed = replace(two, examples=two.examples[::-1], predictions=two.predictions[::-1])
        straight, aligned = compare.compare([one, two]), compare.compare([one, mixed])
        assert straight.rows[0].difference == aligned.rows[0].difference


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
        assert "unparsed" in Table(compare.compare([run(unparsed=3), baseline()])).render("terminal")

    def test_unparsed_texts_are_read_leniently_beside(self, table):
        found = compare.compare([run(unparsed=6, mentioned="target"), baseline()], "accuracy")
        prompted, trained = found.rows
        assert prompted.lenient.value == pytest.approx(prompted.score.value + 6 / 120)
        assert trained.lenient is None
        shown = Table(found).render("markdown")
        assert f"| {prompted.lenient.value:.3f} [" in shown
        assert "mentions just one label" in shown
        assert "lenient" not in Table(table).render("markdown")
        assert "cost" not in Table(table).render("terminal")
        assert "difference" not in Table(compare.compare([run()])).render("terminal")

    def test_cost_is_that_of_the_tokens(self):
        found = compare.compare([run(), baseline()], price=Price(2.0, 8.0))
        assert found.rows[0].cost == pytest.approx(0.002)
        assert "0.0020" in Table(found).render("markdown")

    def test_markdown_is_a_table_whatever_the_titles(self):
        found = compare.compare([run(template="a|b"), baseline()])
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
        worse = compare.compare([run(hits=0.2), baseline(hits=0.9, model="a-1")])
        assert re.search(r"& \$-\$0\.\d+ \[\$-\$0\.", render([worse], "latex"))
        assert "(a-1)" in render([worse], "latex")
        assert (
            escape("a\\b{c}~^<|") == r"a\textbackslash{}b\{c\}\textasciitilde{}\textasciicircum{}\textless{}\textbar{}"
        )

    def test_the_signatures_are_one_a_run(self, table):
        assert Table(table).render("markdown").count("- `") == 5

    def test_a_sample_can_be_drawn_again_from_its_signature(self):
        sizes = [baseline(n_train=20, train_size="20", seed=seed, signed=("n_train",)) for seed in (0, 1)]
        lines = [line for line in Table(compare.compare(sizes)).render("markdown").splitlines() if line[:3] == "- `"]
        assert [re.findall(r"\|(train_size:20\|seed:\d)`", line) for line in lines] == [
            ["train_size:20|seed:0"],
            ["train_size:20|seed:1"],
        ]


class TestFigures:
    def test_are_drawn_where_there_is_something_to_draw(self, tmp_path):
        epochs = tuple({"epoch": e, "loss": 1 / e, "dev_loss": 1 / e, "dev_macro_f1": 0.5} for e in (1.0, 2.0))
        runs = [
            run("zero", shots=0, selector=None, order=None),
            run("five", draw=3),
            baseline(n_train=20, train_size="20", history=epochs),
            baseline(n_train=100, train_size="100", draw=9),
        ]
        paths = draw(compare.compare(runs), tmp_path / "figures")
        names = {"confusion", "reliability", "training", "curve-shots", "curve-train"}
        assert {path.name for path in paths} == {f"news_task-{n}.{kind}" for n in names for kind in ("png", "svg")}
        for path in paths:
            if path.suffix == ".png":
                assert path.read_bytes().startswith(b"\x89PNG")
            else:
                assert ElementTree.parse(path).getroot().tag.endswith("svg")
        before = {path: path.read_bytes() for path in paths}
        assert {path: path.read_bytes() for path in draw(compare.compare(runs), tmp_path / "figures")} == before

    def test_say_what_is_on_their_axes(self, tmp_path, table):
        paths = {path.name: path.read_text() for path in draw(table, tmp_path) if path.suffix == ".svg"}
        confusion, reliability = (paths[f"news_task-{name}.svg"] for name in ("confusion", "reliability"))
        for text in ("answer", "label", "good", "so_so", "svm, 300 train"):
            assert f"<!-- {text} -->" in confusion
        assert "<!-- stated probability (360 answers) -->" in reliability
        error = metrics.create("ece", LABELS)
        each = [error.score(compare.statistics(run, error).sum(0))[0] for run in table.rows[0].runs]
        assert f"<!-- accuracy, ECE {np.mean(each):.3f} -->" in reliability

    def test_a_line_has_one_point_a_size(self):
        """Rows that differ by order, mode or the model's path are lines of their own; zero shots begin each."""
        from harness.report.figure import _shots

        two = compare.compare(
            [run(shots=0, selector=None, order=None), *(run(order=each, draw=4) for each in ("ascending", "random"))]
        )
        (axes,) = _shots(two).axes
        assert [list(line.get_xdata()) for line in axes.lines] == [[0, 5], [0, 5]]
        assert [line.get_label() for line in axes.lines] == [
            "some_model, plain, balanced, order ascending",
            "some_model, plain, balanced, order random",
        ]
        lone = compare.compare([run(shots=0, selector=None, order=None), run(draw=4), baseline()])
        (axes,) = _shots(lone).axes
        assert axes.lines[-1].get_label() == "reference: svm, 300 train"
        versions = [run(f"{v}{k}", shots=k, draw=k, model=f"{v}/model") for v in ("v1", "v2") for k in (0, 5)]
        (axes,) = _shots(compare.compare(versions)).axes
        assert [list(line.get_xdata()) for line in axes.lines] == [[0, 5], [0, 5]]

    def test_no_two_lines_look_alike(self):
        from harness.report.figure import _look

        assert len({tuple(_look(place).items()) for place in range(49)}) == 49

    def test_are_drawn_for_many_labels_and_leave_matplotlib_as_it_was(self, tmp_path, monkeypatch):
        import matplotlib

        monkeypatch.setattr("harness.report.figure.NUMBERED", 2)
        before = dict(matplotlib.rcParams)
        paths = draw(compare.compare([run(unparsed=120), run(unparsed=120, seed=1), baseline()]), tmp_path)
        assert dict(matplotlib.rcParams) == before
        (confusion,) = (path.read_text() for path in paths if path.name == "news_task-confusion.svg")
        assert "<!-- good -->" in confusion
        assert "<!-- bad -->" not in confusion

    def test_one_point_is_no_curve(self, tmp_path):
        paths = draw(compare.compare([run(stated=False), baseline(stated=False)]), tmp_path)
        assert {path.stem for path in paths} == {"news_task-confusion"}

    def test_a_folder_that_cannot_be(self, tmp_path, table):
        (tmp_path / "file").write_text("")
        with pytest.raises(InputError, match="cannot be written there"):
            draw(table, tmp_path / "file")


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
