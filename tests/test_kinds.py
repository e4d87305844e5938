"""What every kind of answer must do, and what classification adds to it."""

import re
from pathlib import Path

import pytest
from conftest import example
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness import builtin, kinds, metrics
from harness.errors import InputError
from harness.kinds.classification import Classification
from harness.prompt import template
from harness.task import definition
from harness.types import Prediction

TASKS = builtin.names("tasks")


class KindContract:
    """What every kind must do. Subclasses give ``kind``, some ``targets`` of it, and data rows that are ``bad``: a row,
    and what its error names."""

    targets: tuple[str, ...]
    bad: tuple[tuple[dict, str], ...]

    @pytest.fixture
    def kind(self):
        raise NotImplementedError

    def test_what_a_demonstration_shows_is_read_back(self, kind):
        words = kind.words(None, "here")
        for target in self.targets:
            found = kind.read(kind.shown(target, words), example(1, "x", target), words)
            assert found.output == target

    def test_rows_give_canonical_targets(self, kind):
        for target in self.targets:
            assert kind.target({"gold": target}, "gold", "here") == target

    def test_a_bad_row_says_where_and_what(self, kind):
        for row, names in self.bad:
            with pytest.raises(InputError, match=names) as caught:
                kind.target(row, "gold", "data.jsonl, line 7")
            assert "data.jsonl, line 7" in str(caught.value)

    def test_right_agrees_with_equality(self, kind):
        for target in self.targets:
            for other in self.targets:
                assert kind.right(example(1, "x", target), other) == (target == other)
            assert kind.right(example(1, "x", target), None) == 0

    def test_choices_stand_for_the_answers_there_are(self, kind):
        words = kind.words(None, "here")
        offered = kind.choices(example(1, "x", self.targets[0]), words)
        if offered is not None:
            assert {choice.output for choice in offered} >= set(self.targets)
            assert all(kind.shown(choice.output, words) == choice.word for choice in offered)

    def test_a_sealed_document_makes_the_kind_again(self, kind):
        again = kinds.of(kind.document(), "run.json")
        assert again.identity == kind.identity
        assert again.outputs == kind.outputs
        for damaged in ({}, {"name": kind.name, "nonsense": 1}, {**kind.document(), "name": None}, []):
            with pytest.raises(InputError):
                kinds.of(damaged, "run.json")

    def test_its_metrics_and_baselines_exist(self, kind):
        from harness import predictors

        assert set(kind.baselines) <= set(predictors.BASELINES)
        assert kind.main_metric in [name for each in kind.metrics for name in metrics.create(each, kind).names]

    def test_its_metrics_do_not_depend_on_the_order_of_items(self, kind):
        items = [example(i, "x", target) for i, target in enumerate(self.targets * 3)]
        said = [Prediction(e.id, self.targets[int(e.id) % 2] if int(e.id) % 4 else None) for e in items]
        for name in kind.metrics:
            metric = metrics.create(name, kind)
            one = metric.score(metric.statistics(items, said).sum(0))
            two = metric.score(metric.statistics(items[::-1], said[::-1]).sum(0))
            assert one == pytest.approx(two, nan_ok=True)

    def test_it_is_written_as_its_constructor(self, kind):
        assert eval(repr(kind), {type(kind).__name__: type(kind)}) == kind


class TestClassification(KindContract):
    targets = ("cat", "dog", "guinea pig")
    bad = (
        ({"gold": "dgo"}, "Did you mean 'dog'"),
        ({"gold": ""}, "no label"),
        ({"gold": None}, "null"),
        ({"gold": ["cat"]}, "a list"),
        ({"gold": "Cat"}, "'cat'"),
    )

    @pytest.fixture
    def kind(self):
        return Classification(labels={"cat": "meows", "dog": "", "guinea pig": "squeaks"})


class TestScale(KindContract):
    targets = ("1", "2", "3", "4", "5")
    bad = (({"gold": "6"}, "unknown label"), ({"gold": "1.0"}, "unknown label"))

    @pytest.fixture
    def kind(self):
        return Classification(labels=["1", "2", "3", "4", "5"], order=True)


class TestRelations(KindContract):
    targets = ("Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Other")
    bad = (({"gold": "Cause-Effect"}, "Did you mean"),)

    @pytest.fixture
    def kind(self):
        return Classification(labels=list(self.targets), null_label="Other", directed=True)


@pytest.mark.parametrize("name", TASKS)
def test_every_shipped_task_and_template_reads_back_what_it_shows(name):
    task = definition.load(name)
    for each in builtin.names(f"prompts/{name}", ".j2"):
        words = template.load(each, task).words
        for item in task.examples("train")[:50]:
            assert task.kind.read(task.kind.shown(item.target, words), item, words).output == item.target


def test_nothing_outside_asks_which_kind_it_is():
    """Not by name, not by comparing a ``kind``: a new kind is one file and one line."""
    root = Path(harness.__file__).parent
    for path in root.rglob("*.py"):
        inside = path.relative_to(root).parts[0]
        if inside in ("kinds", "builtin"):
            continue
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"harness\.kinds\.(?!words)\w+", source), path
        assert not re.search(r"\.kind\.name (==|!=|in)|isinstance\([^)]*kind", source), path
        named = [kind for kind in kinds.KINDS if re.search(rf"""["']{kind}["']""", source)]
        # A layout from before there were kinds, and what `init` writes, are of labels.
        assert not named or path.relative_to(root).as_posix() in {
            "results/document.py", "gate/saved.py", "bring/project.py",
        }, path  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"labels": ["a"]}, "at least 2"),
        ({"labels": ["a", "b", "c"], "null_label": "d"}, "unknown null_label 'd'"),
        ({"labels": ["a", "b"], "null_label": "b"}, "two other labels"),
        ({"labels": ["a", "b", "c"], "null_label": "c", "order": True}, "scale"),
        ({"labels": ["a", "b", "c"], "directed": True}, "no label is directed"),
    ],
)
def test_fields_that_do_not_fit_each_other_are_refused(fields, says):
    with pytest.raises(ValueError, match=says):
        Classification(**fields)


def test_a_scale_adds_its_metrics_and_relations_theirs():
    assert {"qwk", "mae"} <= set(Classification(labels=["1", "2"], order=True).metrics)
    relations = Classification(labels=["r(e1,e2)", "r(e2,e1)", "s(e1,e2)", "none"], null_label="none", directed=True)
    assert "micro-f1" in relations.metrics
    assert relations.main_metric == "macro-f1"
    assert [relations.group(label) for label in relations.labels] == ["r", "r", "s", None]


@given(st.lists(st.text(min_size=1, max_size=8), min_size=2, max_size=6, unique=True))
def test_any_labels_survive_being_sealed(labels):
    kind = Classification(labels=labels)
    assert kinds.of(kind.document(), "run.json").outputs == tuple(labels)
