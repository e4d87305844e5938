"""What every kind of answer must do, and what classification adds to it."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kind_contract import KindContract

import harness
from harness import builtin, kinds
from harness.errors import InputError
from harness.kinds.choice import Choosing
from harness.kinds.classification import Classification
from harness.kinds.multilabel import Multilabel
from harness.prompt import template
from harness.task import definition

TASKS = builtin.names("tasks")
# "choice", "text", "number" and "state" are words of their own, too.
KINDS = ("classification", "multilabel", "entities", "span")


class TestClassification(KindContract):
    good = tuple(({"gold": label}, label) for label in ("cat", "dog", "guinea pig"))
    forms = (None, "letters", {"cat": "Katze", "dog": "Hund", "guinea pig": "Meerschwein"})
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
    good = tuple(({"gold": label}, label) for label in "12345")
    bad = (({"gold": "6"}, "unknown label"), ({"gold": "1.0"}, "unknown label"))

    @pytest.fixture
    def kind(self):
        return Classification(labels=["1", "2", "3", "4", "5"], order=True)


class TestRelations(KindContract):
    labels = ("Cause-Effect(e1,e2)", "Cause-Effect(e2,e1)", "Other")
    good = tuple(({"gold": label}, label) for label in labels)
    bad = (({"gold": "Cause-Effect"}, "Did you mean"),)

    @pytest.fixture
    def kind(self):
        return Classification(labels=list(self.labels), null_label="Other", directed=True)


class TestMultilabel(KindContract):
    good = (
        ({"gold": ["noise", "water"]}, '["noise", "water"]'),
        ({"gold": ["water", "noise"]}, '["noise", "water"]'),
        ({"gold": "water; street light"}, '["street light", "water"]'),
        ({"gold": '["noise"]'}, '["noise"]'),
        ({"gold": []}, "[]"),
    )
    bad = (
        ({"gold": ["nois"]}, "Did you mean 'noise'"),
        ({"gold": ["noise", "noise"]}, "twice"),
        ({"gold": None}, "null"),
        ({"gold": '["noise"'}, "no JSON|is none"),
        ({"gold": [["noise"]]}, "a list"),
    )
    forms = (None, "yes-no", {"noise": "噪音", "water": "水", "street light": "路灯"})

    @pytest.fixture
    def kind(self):
        return Multilabel(labels={"noise": "too loud", "water": "", "street light": ""})

    @pytest.mark.parametrize(
        ("text", "output", "mentioned"),
        [
            ("water; noise", '["noise", "water"]', None),
            ("Labels: Water, Noise.", '["noise", "water"]', None),
            ('["water"]', '["water"]', None),
            ("none", "[]", None),
            ("None.", "[]", None),
            ("noise: yes\nwater: no\nstreet light: yes", '["noise", "street light"]', None),
            ("water; flooding", None, '["water"]'),
            ("nothing of the kind", None, None),
            ("", None, None),
        ],
    )
    def test_reads_what_models_write(self, kind, text, output, mentioned):
        words = kind.words(None, "here")
        found = kind.read(text, self.examples(kind)[0], words)
        assert (found.output, found.mentioned) == (output, mentioned)

    def test_words_that_a_list_cannot_hold_are_refused(self, kind):
        for word in ("a;b", "none"):
            with pytest.raises(InputError, match="cannot stand in a list"):
                kind.words({"noise": word, "water": "w", "street light": "s"}, "here")


class TestChoice(KindContract):
    good = (
        ({"gold": "B", "options": ["red", "blue", "green"]}, "2"),
        ({"gold": "green", "options": ["red", "blue", "green"]}, "3"),
        ({"gold": 1, "options": '["a cat", "a dog"]'}, "1"),
        ({"gold": "A", "options": {"A": "1", "B": "10", "C": "100"}}, "1"),
    )
    bad = (
        ({"gold": "D", "options": ["red", "blue"]}, "none of the options"),
        ({"gold": "2", "options": ["2", "4", "6"]}, "could be several"),
        ({"gold": "A", "options": ["red", "red"]}, "stands twice"),
        ({"gold": "A", "options": ["red", " "]}, "option B is empty"),
        ({"gold": "A", "options": ["red"]}, "from 2 to 26"),
        ({"gold": None, "options": ["red", "blue"]}, "null"),
        ({"gold": "A", "options": None}, "null"),
    )
    forms = (None, "letters")

    @pytest.fixture
    def kind(self):
        return Choosing(options="options")

    @pytest.mark.parametrize(
        ("text", "output"),
        [("B", "2"), ("(b)", "2"), ("B. blue", "2"), ("blue", "2"), ("Answer: B) blue", "2"), ("B or C", None)],
    )
    def test_letters_are_read_with_and_without_their_option(self, kind, text, output):
        words = kind.words("letters", "here")
        assert kind.read(text, self.examples(kind)[0], words).output == output

    def test_options_may_stand_in_columns_of_their_own(self):
        kind = Choosing(options=["a", "b"])
        row = {"a": "red", "b": "blue", "gold": "B"}
        assert list(kind.columns) == ["a", "b"]
        assert kind.target(row, "gold", {}, "here") == "2"


@pytest.mark.parametrize("name", TASKS)
def test_every_shipped_task_and_template_reads_back_what_it_shows(name):
    task = definition.load(name)
    for each in builtin.names(f"prompts/{name}", ".j2"):
        words = template.load(each, task).words
        for item in task.examples("train")[:50]:
            found = task.kind.read(task.kind.shown(item, words), item, words).output
            assert task.kind.right(item, found) == 1


def test_nothing_outside_asks_which_kind_it_is():
    """Not by name, not by comparing a ``kind``: a new kind is one file and one line."""
    root = Path(harness.__file__).parent
    for path in root.rglob("*.py"):
        inside = path.relative_to(root).parts[0]
        if inside in ("kinds", "builtin"):
            continue
        source = path.read_text(encoding="utf-8")
        assert not re.search(r"harness\.kinds\.(?!words|replies|quantities|alignment|lists|patterns)\w+", source), path
        assert not re.search(r"\.kind\.name (==|!=|in)|isinstance\([^)]*kind", source), path
        named = [kind for kind in KINDS if re.search(rf"""["']{kind}["']""", source)]
        # Importers say what they make; and there is a layout from before there were kinds.
        assert not named or inside == "bring" or path.name in ("document.py", "saved.py"), path


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


def test_a_plain_installation_has_what_the_kinds_own_metrics_call():
    """An extra is for what a user asks for by name, and no task names its kind's metrics."""
    import tomllib

    root = Path(__file__).parents[1]
    plain = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    named = {re.split(r"[<>=]", each)[0].replace("-", "_") for each in plain}
    called = set()
    for path in (root / "harness" / "metrics").glob("*.py"):
        called |= set(re.findall(r"^\s*(?:from|import) (\w+)", path.read_text(encoding="utf-8"), flags=re.MULTILINE))
    outside = called - set(sys.stdlib_module_names) - {"harness", "sklearn"}
    assert outside >= {"nervaluate", "sacrebleu", "rouge_score"}
    assert outside <= named
