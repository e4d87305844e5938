"""A page holds what the runs say, and nothing in it acts."""

import json
import re
from collections import defaultdict
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pages import blocks, elements, hashed, prompt
from runs import baseline, run

from harness import metrics
from harness.compare import differences, estimate
from harness.compare.differences import Price, compare
from harness.errors import HarnessError
from harness.kinds.text import Text
from harness.page import script
from harness.page.blocks import encode
from harness.page.cuts import _cut
from harness.page.data import page
from harness.page.given import Given, Written
from harness.page.html import assemble
from harness.page.pairs import words
from harness.page.prompts import prompts
from harness.stats import multiple
from harness.stats.intervals import Estimate, wilson
from harness.types import Example, Prediction, Status, Trace

NASTY = "</script><!--<script>\0\x1b[2J\u202e\u2028]]>&quot;'\"{{blocks}}\ud800"
SHAPES = {
    "one row": lambda: [run()],
    "prompts and baselines": lambda: [run(), run("q", hits=0.9, template="chat", draw=3), baseline()],
    "seeds": lambda: [*(run("p", seed=seed, draw=seed) for seed in range(3)), baseline()],
    "documents": lambda: [run(clusters=6), run("q", hits=0.8, draw=2, clusters=6), baseline(clusters=6)],
    "seeds and documents": lambda: [*(run("p", seed=s, draw=s, clusters=6) for s in range(2)), baseline(clusters=6)],
    "answers made elsewhere": lambda: [
        run("r", predictor="recorded", answers="gpt.csv", calibration=None),
        baseline(),
    ],
    "unparsed and unstated": lambda: [run(unparsed=9, stated=False), baseline(stated=False)],
}


@pytest.fixture(params=SHAPES)
def comparison(request):
    return compare(SHAPES[request.param]())


def made(comparison, **given):
    return blocks(page([comparison], [Given(**given)], "harness report --page x.html"))


def texts(comparison, text=lambda e: f"text of {e.id}" + "." * (int(e.id[1:]) % 50)):
    return [replace(e, inputs={"text": text(e)}) for e in comparison.rows[0].run.examples]


def estimated(found):
    return [None if np.isnan(each) else pytest.approx(each, rel=1e-5, abs=1e-9) for each in found]


def bounded(found):
    return estimated((found.value, found.low, found.high))


class TestNumbers:
    def test_pairs_are_as_compared(self, comparison):
        table = made(comparison)["summary"]["tables"][0]
        metric = differences.family(comparison.metric, comparison.kind)
        mean = metrics.create("item-score", comparison.kind)
        clusters = (
            ["cluster " + str(e.cluster) for e in comparison.rows[0].run.examples] if comparison.clusters else None
        )
        stats = [[differences.statistics(each, metric) for each in row.runs] for row in comparison.rows]
        hits = [[differences.statistics(each, mean) for each in row.runs] for row in comparison.rows]
        ps = []
        for pair in table["pairs"]:
            one, other = comparison.rows[pair["a"]], comparison.rows[pair["b"]]
            ps.append(pair["p"])
            items = estimate.difference(mean, "item-score", hits[pair["a"]], hits[pair["b"]], clusters)
            assert pair["gapOfItems"] == bounded(items)
            if other.difference is None:  # the table's own numbers
                assert pair["gap"] == bounded(one.difference)
                assert pair["p"] == pytest.approx(one.p, rel=1e-5)
            elif one.difference is not None:
                sides = stats[pair["a"]], stats[pair["b"]]
                assert pair["gap"] == bounded(estimate.difference(metric, comparison.metric, *sides, clusters))
                assert pair["p"] == estimated([estimate.p_value(metric, comparison.metric, *sides, clusters)])[0]
            else:
                gap = other.difference
                assert pair["gap"] == estimated((-gap.value, -gap.high, -gap.low))
        for pair, most in zip(table["pairs"], multiple.adjust(ps), strict=True):
            of = [comparison.rows[pair[side]] for side in ("a", "b")]
            known = [row.adjusted for row in of] if None in [row.difference for row in of] else [most]
            assert pair["adjusted"] == pytest.approx(next(each for each in known if each is not None), rel=1e-4)
            assert pair["looked"] == (len(ps) if len(known) == 1 else len(comparison.rows) - 1)

    def test_rows_are_those_of_the_table(self, comparison):
        table = made(comparison)["summary"]["tables"][0]
        for shown, row in zip(table["rows"], comparison.rows, strict=True):
            assert (shown["title"], shown["label"]) == (row.title, row.label)
            assert shown["score"] == bounded(row.score)
            assert shown["mean"] == bounded(row.strict)
            assert len(shown["signatures"]) == len(row.runs)
        sorts = {"prompt": "prompted", "trained": "trained", "recorded": "recorded"}
        assert all(getattr(r, sorts[s["sort"]]) for s, r in zip(table["rows"], comparison.rows, strict=True))

    def test_parts_are_as_counted_one_by_one(self, comparison):
        found = made(comparison, items=texts(comparison))
        table = found["summary"]["tables"][0]
        assert [cut["by"] for cut in table["cuts"]][:3] == ["label", "kind", "length"]
        assert ("document" in [cut["by"] for cut in table["cuts"]]) == bool(comparison.clusters)
        mean = metrics.create("item-score", comparison.kind)
        examples = comparison.rows[0].run.examples
        clusters = [f"cluster {e.cluster}" for e in examples] if comparison.clusters else None
        ps = defaultdict(list)
        for cut, placed in zip(table["cuts"], found["items-0"]["parts"], strict=True):
            for number, part in enumerate(cut["parts"]):
                places = [i for i, each in enumerate(placed) if number in (each if isinstance(each, list) else [each])]
                assert part["n"] == len(places)
                self._part(comparison, mean, part, places, clusters and [clusters[i] for i in places])
                for pair, p in enumerate(part["ps"]):
                    ps[pair].append(p)
        for pair, each in ps.items():
            adjusted = [part["adjusted"][pair] for cut in table["cuts"] for part in cut["parts"]]
            known = multiple.adjust([np.nan if p is None else p for p in each])
            assert adjusted == estimated(known)

    def _part(self, comparison, mean, part, places, clusters):
        sides = []
        for row, shown in zip(comparison.rows, part["rows"], strict=True):
            hits = [np.array([run.predictions[i].output == run.examples[i].target for i in places]) for run in row.runs]
            tables = [np.stack([each.astype(float), np.ones(len(places))], axis=1) for each in hits]
            (found,) = estimate.estimates(mean, tables, clusters)
            assert shown == bounded(found)
            if len(hits) == 1 and clusters is None:
                assert shown == bounded(wilson(hits[0].sum(), len(places)))
            sides.append(tables)
        pairs = [(a, b) for a in range(len(sides)) for b in range(a + 1, len(sides))]
        for (a, b), gap, p in zip(pairs, part["gaps"], part["ps"], strict=True):
            slow = estimate.difference(mean, "item-score", sides[a], sides[b], clusters)
            assert gap == [pytest.approx(each, abs=1e-5) if each is not None else None for each in _plain(slow)]
            chance = estimate.p_value(mean, "item-score", sides[a], sides[b], clusters)
            assert p is None if np.isnan(chance) else p == pytest.approx(chance, abs=2 / 4096)

    def test_scores_and_confusion_are_the_items_own(self):
        found = made(compare([run(unparsed=5), baseline()]))
        (table,), items = found["summary"]["tables"], found["items-0"]
        truth, said = table["classes"]["truth"], table["classes"]["said"]
        assert said == ["good", "bad", "so_so", "none"]
        assert truth == said[:3]
        for place, cell in enumerate(items["rows"][0]["confused"]):
            target = items["targets"]["values"][items["targets"]["codes"][place]]
            code = items["rows"][0]["outputs"]["codes"][place]
            output = items["rows"][0]["outputs"]["values"][code] if code >= 0 else "none"
            assert (truth[cell // 4], said[cell % 4]) == (target, output)
            assert items["rows"][0]["scores"][place] == (target == output)
        first = items["rows"][0]["stated"]
        assert first[:5] == [[]] * 5
        assert all(sum(share for _, share in each) == 1000 for each in first[5:])

    def test_graded_answers_have_means_and_intervals(self):
        kind = Text()
        rows = []
        for row, name in enumerate(("one", "two")):
            made_up = run(name, draw=row, template=name)
            examples = tuple(
                Example(e.id, {}, '["the cat sat on the mat"]', tags={"k": e.id[-1]}) for e in made_up.examples
            )
            said = ("the cat sat on the mat", "a cat sat", "a dog ran away")
            answers = tuple(Prediction(e.id, said[(i + row * (i % 4 == 0)) % 3]) for i, e in enumerate(examples))
            scored = kind.main_metric
            rows.append(
                replace(made_up, kind=kind, examples=examples, predictions=answers, scores={scored: (0.5, 0.4, 0.6)})
            )
        table = made(compare(rows, kind.main_metric))["summary"]["tables"][0]
        assert table["kind"]["graded"]
        assert table["classes"] is None
        assert table["suspects"] is None
        (pair,) = table["pairs"]
        low, high = pair["gapOfItems"][1:]
        assert low < pair["gapOfItems"][0] < high
        (cut,) = table["cuts"]
        assert cut["by"] == "k"
        assert [part["name"] for part in cut["parts"]] == list("0123456789")


class TestWords:
    def test_a_difference_is_said_with_how_likely_chance_makes_it(self):
        gap = Estimate(0.043, 0.011, 0.075)
        assert words(gap, 0.008, 0.008, "macro-f1", False, 1) == (
            "A is better by 0.043 macro-f1 [0.011, 0.075]; a difference this large comes by chance in 0.8 % of cases."
        )
        assert words(Estimate(-0.043, -0.075, -0.011), 0.008, 0.008, "macro-f1", False, 1).startswith(
            "B is better by 0.043 macro-f1 [0.011, 0.075];"
        )
        assert words(gap, 0.008, 0.024, "ece", True, 3).startswith("B is better by 0.043 ece")
        assert "or for one of 3 pairs in 2.4 %" in words(gap, 0.008, 0.024, "macro-f1", False, 3)

    def test_what_is_not_shown_is_never_called_alike(self):
        said = [
            words(Estimate(0.01, -0.02, 0.05), 0.4, 0.4, "accuracy", False, 1),
            words(Estimate(0.03, 0.001, 0.05), 0.04, 0.4, "accuracy", False, 10),
            words(Estimate(0.03, np.nan, np.nan), np.nan, np.nan, "accuracy", False, 1),
            words(Estimate(np.nan, np.nan, np.nan), np.nan, np.nan, "accuracy", False, 1),
        ]
        assert said[0] == "No difference is shown: A minus B lies between -0.020 and +0.050 accuracy."
        assert said[1].startswith("No difference is shown, as 10 pairs were looked at:")
        for each in said:
            assert not re.search("equal|same|alike|nan", each)

    @given(st.floats(-1, 1), st.floats(0, 0.5), st.floats(0, 1))
    def test_the_other_way_round_is_the_same_finding(self, value, half, p):
        gap, other = Estimate(value, value - half, value + half), Estimate(-value, -value - half, -value + half)
        one, two = (words(each, p, p, "accuracy", False, 1) for each in (gap, other))
        assert one.startswith("No") == two.startswith("No")
        if not one.startswith("No"):
            assert {one[0], two[0]} == {"A", "B"}
            assert one[1:] == two[1:]


class TestCuts:
    def test_small_parts_beyond_forty_are_one(self):
        values = [[f"v{place}"] for place in range(60) for _ in range(place + 1)]
        cut = _cut("tag", values)
        assert len(cut.parts) == 41
        assert len(cut.parts["others"]) == sum(range(1, 21))
        assert sum(map(len, cut.parts.values())) == len(values)

    def test_numbers_stand_in_their_order_and_names_by_how_many_have_them(self):
        assert list(_cut("year", [["10"], ["9"], ["10"], ["-1.5"]]).parts) == ["-1.5", "9", "10"]
        assert list(_cut("tag", [["a"], ["b"], ["b"]]).parts) == ["b", "a"]
        assert list(_cut("label", [["b"], ["a"]], ("a", "c", "b")).parts) == ["a", "b"]

    def test_lengths_are_quartiles(self):
        comparison = compare([run(), baseline()])
        table = made(comparison, items=texts(comparison, lambda e: "x" * (int(e.id[1:]) + 1)))["summary"]["tables"][0]
        (cut,) = (cut for cut in table["cuts"] if cut["by"] == "length")
        assert [part["n"] for part in cut["parts"]] == [30, 30, 30, 30]
        assert [part["name"] for part in cut["parts"]] == [
            *("up to 30 characters", "31 to 60 characters", "61 to 90 characters", "over 90 characters"),
        ]
        alike = made(comparison, items=texts(comparison, lambda e: "x"))["summary"]["tables"][0]
        assert "length" not in [cut["by"] for cut in alike["cuts"]]

    def test_demonstrations_count_where_they_differ_by_item(self):
        row = run()
        shown = [("d0", "d1") if i % 2 else ("d0", "d2") for i in range(120)]
        predictions = [replace(p, trace=Trace(demos=d)) for p, d in zip(row.predictions, shown, strict=True)]
        demos = {f"d{i}": Example(f"d{i}", {"text": "t"}, label) for i, label in enumerate(("good", "good", "bad"))}
        comparison = compare([replace(row, predictions=tuple(predictions)), baseline()])
        table = made(comparison, demos=demos)["summary"]["tables"][0]
        (cut,) = (cut for cut in table["cuts"] if cut["by"].startswith("demonstrations"))
        assert cut["by"] == f"demonstrations with its label, {comparison.rows[0].label}"
        assert {part["name"]: part["n"] for part in cut["parts"]} == {"0": 60, "1": 40, "2": 20}
        assert len(made(comparison)["summary"]["tables"][0]["cuts"]) == len(table["cuts"]) - 1
        same = [replace(p, trace=Trace(demos=("d0",))) for p in row.predictions]
        alike = made(compare([replace(row, predictions=tuple(same)), baseline()]), demos=demos)
        assert alike["answers-0-0"]["shown"] == ["d0"]
        assert alike["answers-0-0"]["demos"] == [0]
        assert "demonstrations" not in str([cut["by"] for cut in alike["summary"]["tables"][0]["cuts"]])


class TestPrompts:
    @given(
        st.lists(
            st.tuples(st.lists(st.sampled_from(["a\n", "b\r\n", "\n", "c\u2028d"])), st.text("xy\n\v\x85")), min_size=1
        )
    )
    @settings(max_examples=60, deadline=None)
    def test_read_back(self, drawn):
        texts = ["".join(head) + tail for head, tail in drawn]
        packed = prompts(Written(texts, True), [len(head) for head, _ in drawn])
        assert [prompt(packed, place) for place in range(len(texts))] == texts

    def test_what_all_share_stands_once(self):
        texts = [f"Rules.\nMore rules.\n\nText: item {i}\nLabel:" for i in range(50)]
        packed = prompts(Written(texts, False), [()] * 50)
        assert [packed["lines"][place] for place in packed["heads"][0]] == ["Rules.\n", "More rules.\n", "\n"]
        assert all(len(item) == 3 for item in packed["items"])
        assert not packed["exact"]


class TestFile:
    def test_the_policy_lets_in_its_own_script_and_style_and_nothing_else(self):
        html = page([compare([run(), baseline()])], [Given()], "harness report")
        found = elements(html)
        (policy,) = (a["content"] for tag, a, _ in found if tag == "meta" and "http-equiv" in a)
        (style,) = (text for tag, _, text in found if tag == "style")
        (code,) = (text for tag, a, text in found if tag == "script" and a["type"] == "module")
        rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
        assert rules == {
            "default-src": "'none'",
            "script-src": hashed(code),
            "style-src": hashed(style),
            "img-src": "data:",
            "base-uri": "'none'",
            "form-action": "'none'",
        }
        for _, attrs, _ in found:
            assert not {"src", "href", "style", "action"} & set(attrs)
            assert not [name for name in attrs if name.startswith("on")]
        assert not re.search(r"https?://(?!www\.w3\.org/)", html)
        assert not re.search(r"@import|url\(", style)

    def test_code_and_style_are_small(self):
        empty = assemble("empty", [])
        assert len(empty.encode()) < 150_000

    def test_the_wheel_carries_what_the_page_is_made_of(self):
        names = {each.name for each in resources.files("harness.page").iterdir()}
        assert {"page.html", "start.js", "data.d.ts"} <= names

    def test_the_same_runs_give_the_same_bytes(self):
        one, two = (page([compare(SHAPES["seeds"]())], [Given()], "harness report") for _ in range(2))
        assert one == two

    def test_several_tables_stand_side_by_side(self):
        comparisons = [compare([run(), baseline()]), compare([run(n=60), baseline(n=60)], price=Price(1.0))]
        found = blocks(page(comparisons, [Given(), Given()], "harness report"))
        assert [table["n"] for table in found["summary"]["tables"]] == [120, 60]
        assert {"items-1", "texts-1", "answers-1-0", "answers-1-1"} <= set(found)
        assert found["summary"]["tables"][1]["rows"][0]["cost"] == pytest.approx(0.001)

    @given(st.recursive(st.text(st.characters(codec=None)) | st.none(), st.lists, max_leaves=5))
    @settings(max_examples=100, deadline=None)
    def test_any_text_survives_a_block(self, value):
        import base64
        import gzip

        assert json.loads(gzip.decompress(base64.b64decode(encode(value)))) == value

    def test_hostile_texts_stay_in_their_blocks(self):
        examples = [
            Example(f"i{i}{NASTY}", {"text": NASTY}, "good", f"d{i % 7}{NASTY}", {f"tag{NASTY}": f"v{i % 2}{NASTY}"})
            for i in range(60)
        ]
        bare = tuple(replace(e, inputs={}) for e in examples)
        rows = []
        for row, base in enumerate((run(n=60, template=NASTY), baseline(n=60, name=f"svm{NASTY}"))):
            trace = Trace(demos=(f"demo{NASTY}",), raw=NASTY, thought=NASTY)
            said = [
                Prediction(
                    e.id,
                    "good" if (i + row) % 3 else None,
                    Status.OK if (i + row) % 3 else Status.UNPARSED,
                    None,
                    trace,
                )
                for i, e in enumerate(bare)
            ]
            rows.append(replace(base, task=f"task{NASTY}", examples=bare, predictions=tuple(said)))
        demo = Example(f"demo{NASTY}", {"text": NASTY}, "bad")
        written = [lambda: Written([NASTY] * 60, True), None]
        given = Given(examples, {demo.id: demo}, written, [["harness", "show", NASTY, "--example"], None], [NASTY])
        html = page([compare(rows)], [given], f"harness report {NASTY}")
        plain = page([compare([run(), baseline()])], [Given()], "harness report")
        assert [tag for tag, a, _ in elements(html) if a.get("type") != "text/plain"] == [
            tag for tag, a, _ in elements(plain) if a.get("type") != "text/plain"
        ]
        head = html[: html.index("<style>")]
        assert not re.search("[\0-\x08\x0e-\x1f\u202e\u2028\ud800]", html)
        assert "\\u202e" in head  # the title, escaped
        found = blocks(html)
        assert found["texts-0"]["inputs"][0]["texts"][0] == NASTY
        assert found["texts-0"]["demos"][demo.id]["inputs"]["text"] == NASTY
        assert found["items-0"]["ids"][0] == f"i0{NASTY}"
        assert found["answers-0-0"]["raw"][0] == found["answers-0-0"]["thought"][0] == NASTY
        assert prompt(found["prompts-0-0"], 0) == NASTY
        assert found["summary"]["tables"][0]["notes"] == [NASTY]


class TestScript:
    def test_modules_are_joined_after_what_they_import(self):
        modules = {
            "start.js": 'import { b, c } from "./b.js";\nimport { a } from "./a.js";\n\na(b, c);\n',
            "b.js": 'import { a } from "./a.js";\nexport const b = a;\nexport class c {}\n',
            "a.js": "const own = 1;\nexport function a() {\n  return own;\n}\n",
        }
        joined = script.joined(modules)
        assert not re.search("^(import|export)", joined, re.MULTILINE)
        assert joined.index("function a()") < joined.index("const b = a") < joined.index("a(b, c)")
        assert joined.count("function a()") == 1

    @pytest.mark.parametrize(
        ("modules", "says"),
        [
            ({"start.js": 'import x from "./x.js";\n', "x.js": ""}, "otherwise than by a line of names"),
            ({"start.js": 'import * as x from "./x.js";\n', "x.js": ""}, "otherwise"),
            ({"start.js": 'import { a as b } from "./x.js";\n', "x.js": "export const a = 1;\n"}, "otherwise"),
            ({"start.js": 'import { a } from "https://x.test/x.js";\n'}, "otherwise"),
            ({"start.js": 'import {\n  a,\n} from "./x.js";\n', "x.js": ""}, "otherwise"),
            ({"start.js": 'import { a } from "./x.js";\n', "x.js": "const a = 1;\n"}, "does not export"),
            ({"start.js": 'import { a } from "./x.js";\n'}, "'x.js', which is not there"),
            ({"start.js": "export default 1;\n"}, "exports otherwise"),
            ({"start.js": "const a = 1;\nexport { a };\n"}, "exports otherwise"),
            (
                {"start.js": 'import { a } from "./x.js";\nconst b = 1;\n', "x.js": "export const a = 1;\nlet b;\n"},
                "'b'",
            ),
            (
                {
                    "start.js": 'import { a } from "./x.js";\n',
                    "x.js": 'import { b } from "./start.js";\nexport let a;\n',
                },
                "imports itself",
            ),
        ],
    )
    def test_anything_else_is_an_error_that_names_the_module(self, modules, says):
        with pytest.raises(HarnessError, match=r"page module \w+\.js") as caught:
            script.joined(modules)
        assert says in str(caught.value)


def _plain(found):
    return [None if np.isnan(each) else each for each in (found.value, found.low, found.high)]
