"""What another package adds: each in one file, found by its entry point."""

import json
import sys

import pytest
from click.testing import CliRunner

from harness import predictors
from harness.cli import main
from harness.errors import InputError
from harness.kinds import KINDS
from harness.metrics import METRICS

PLUGIN = '''
"""A tenth kind: a colour, and things that go with it."""
from typing import ClassVar
from harness.kinds import Kind, Reading
from harness.metrics import Metric
from harness.metrics.classification import Accuracy
from harness.predictors.simple import Simple
from harness.prompt.selectors.random import Random
from harness.engines.null import Null
from harness.calibration.batch import Batch


class Colour(Kind):
    """A colour, written as its name."""

    name: ClassVar[str] = "colour"
    baselines: ClassVar = ("always-red",)
    measures: ClassVar = ("accuracy",)
    shades: int = 1

    @property
    def metrics(self):
        return ["accuracy", "red-share"]

    @property
    def main_metric(self):
        return "accuracy"

    def target(self, row, column, inputs, where):
        return str(row[column]).lower()

    def shown(self, example, words):
        return example.target

    def read(self, text, example, words):
        return Reading(text.strip().lower() or None)


class RedShare(Accuracy):
    """Share of items that are said to be red."""

    name = "red-share"
    mean = False

    def counts(self, example, prediction):
        return float(prediction.output == "red")


class AlwaysRed(Simple):
    """Says red."""

    name = "always-red"

    def answer(self, example):
        return "red"


class Other(Random):
    """A selector."""

    name = "other"


class Silent(Null):
    """An engine."""


class Same(Batch):
    """A calibration."""

    name = "same"


class Everywhere(AlwaysRed):
    """A baseline that says itself what kinds it is for."""

    name = "everywhere"
    kinds = ("classification",)

    def answer(self, example):
        return self.kind.outputs[0]
'''
ENTRIES = """
[harness.kinds]
colour = colour_plugin:Colour
broken = colour_plugin:Missing
[harness.metrics]
red-share = colour_plugin:RedShare
accuracy = colour_plugin:RedShare
[harness.baselines]
always-red = colour_plugin:AlwaysRed
everywhere = colour_plugin:Everywhere
[harness.selectors]
other = colour_plugin:Other
[harness.engines]
silent = colour_plugin:Silent
[harness.calibrations]
same = colour_plugin:Same
"""


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A project, and an installed package that adds to each table."""
    site = tmp_path / "site"
    (site / "colour_plugin-1.0.dist-info").mkdir(parents=True)
    (site / "colour_plugin.py").write_text(PLUGIN)
    (site / "colour_plugin-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: colour-plugin\nVersion: 1.0\n"
    )
    (site / "colour_plugin-1.0.dist-info" / "entry_points.txt").write_text(ENTRIES)
    monkeypatch.syspath_prepend(str(site))
    project = tmp_path / "project"
    (project / "tasks/sky").mkdir(parents=True)
    (project / "prompts/sky").mkdir(parents=True)
    rows = [{"text": f"item {i}", "gold": ("red", "blue")[i % 2]} for i in range(12)]
    (project / "tasks/sky/rows.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (project / "tasks/sky/task.yaml").write_text(
        "kind: colour\nshades: 3\ninputs: [text]\ntarget: gold\nsplits: {train: rows.jsonl, test: rows.jsonl}\n"
    )
    (project / "prompts/sky/plain.j2").write_text(
        "{% for shot in shots %}{{ shot.text }} is {{ shot.answer }}\n{% endfor %}{{ text }} is"
    )
    monkeypatch.chdir(project)
    tables = [KINDS, METRICS, predictors.BASELINES]
    from harness.calibration import CALIBRATIONS
    from harness.engines import ENGINES
    from harness.prompt.selectors import SELECTORS

    tables += [CALIBRATIONS, ENGINES, SELECTORS]
    for table in tables:
        table.__dict__.pop("_added", None)
    yield project
    for table in tables:
        table.__dict__.pop("_added", None)
    sys.modules.pop("colour_plugin", None)


def ok(*args):
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.stderr
    return done.stdout


def test_a_kind_of_a_users_own_runs_from_end_to_end(home):
    told = ok("run", "--task", "sky", "--baselines-only", "--baseline", "always-red", "--format", "json")
    (row,) = json.loads(told)
    assert row["predictor"] == "always-red"
    told = ok("run", "--task", "sky", "--shots", "0,2", "--selector", "other", "--model", "tiny", "--engine", "silent",
              "--baseline", "always-red", "--format", "csv")  # fmt: skip
    assert "always-red" in told
    assert "other" in told
    assert "colour" in ok("list", "kinds")
    assert "broken: " in ok("list", "kinds")
    assert "Share of items that are said to be red" in ok("list", "metrics")


def test_ours_are_not_replaced_and_a_broken_one_is_told(home):
    assert METRICS["accuracy"] == "harness.metrics.classification:Accuracy"
    with pytest.raises(InputError, match=r"the plugin colour_plugin:Missing of the group 'harness.kinds' cannot be"):
        KINDS.find("broken")
    with pytest.raises(InputError, match="Did you mean 'colour'"):
        KINDS.find("color")


def test_a_calibration_and_a_baseline_serve_the_kinds_there_are(home):
    told = ok(
        "run",
        "--task",
        "finsentiment",
        "--limit",
        "20",
        "--calibrate",
        "same",
        "--baseline",
        "everywhere",
        "--format",
        "csv",
    )
    assert "everywhere" in told
    assert "same" in told
