"""`harness check` and `plan`: the real commands on planted templates."""

import json
import shutil
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner
from conftest import ROOT

from harness.cli import main
from harness.compare import differences
from harness.results import checksum, store

CHECK = ("check", "--task", "finsentiment")


def invoke(*args):
    return CliRunner().invoke(main, [str(arg) for arg in args])


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

        whole = json.loads(path.read_text())

        def corrupted(**change):
            changed = {**whole, **change}
            del changed["checksum"]
            path.write_text(json.dumps({**changed, "checksum": checksum.of_document(changed)}))
            done = invoke(*CHECK, "--template", "plain")
            assert done.exit_code == 2, done.output
            return done.stderr

        assert "its kind is" in corrupted(
            kind={"name": "classification", "labels": ["neutral", "negative", "positive"]}
        )
        assert "its task is 'other'" in corrupted(task="other")
        (id_, target, *more), *items = whole["items"]
        mislabelled = next(label for label in whole["kind"]["labels"] if label != target)
        for wrong in (["another", target, *more], [id_, mislabelled, *more]):
            assert "its items are not those that it says it is of" in corrupted(items=[wrong, *items])
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
