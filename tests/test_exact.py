"""Answers that are right where they are the same, and the steps that read them; columns that a task computes."""

import json
import sys
from types import SimpleNamespace

import pytest
from kind_contract import KindContract
from pydantic import ValidationError

from harness.errors import InputError
from harness.kinds.choice import Choosing
from harness.kinds.exact import Exact
from harness.kinds.patterns import compiled
from harness.kinds.text import Text
from harness.prompt import template
from harness.prompt.selectors import Selection, create
from harness.task import definition
from harness.types import Example

KIND = Exact(ignore_case=True, ignore_punctuation=True, multiline=True)


class TestExact(KindContract):
    good = (
        ({"gold": "Ulm"}, '["Ulm"]'),
        ({"gold": ["Ulm", "the Ulm"]}, '["Ulm", "the Ulm"]'),
        ({"gold": 4.0}, '["4"]'),
        ({"gold": " two\nlines "}, '[" two\\nlines "]'),
    )
    bad = (({"gold": None}, "null"), ({"gold": []}, "null"), ({"gold": [{"a": 1}]}, "an object"))

    @pytest.fixture
    def kind(self):
        return KIND


def right(kind, target, said):
    item = Example("a", {"text": "x"}, json.dumps(target if isinstance(target, list) else [target]))
    return kind.right(item, kind.read(said, item, kind.words(None, "here")).output)


@pytest.mark.parametrize(
    ("fields", "target", "said", "wanted"),
    [
        ({}, "Ulm", " Ulm\n", 1),
        ({}, "Ulm", "ulm", 0),
        ({"ignore_case": True}, "Ulm", "ulm", 1),
        ({"ignore_punctuation": True}, "U.S.", "US", 1),
        ({"ignore_numbers": True}, "a1", "a22", 1),
        ({"ignore": [",", r"\$"]}, "1,200", "$1200", 1),
        ({}, ["one", "two"], "two", 1),
        ({"contained": True}, "Ulm", "It is Ulm.", 1),
        ({"read_by": [{"do": "find", "pattern": r"#### (\d+)"}]}, "12", "so #### 12 then #### 13", 1),
        ({"read_by": [{"do": "find", "pattern": r"#### (\d+)", "match": -1}]}, "13", "so #### 12 then #### 13", 1),
        ({"read_by": [{"do": "find", "pattern": r"#### (\d+)"}]}, "12", "12", 0),
        ({"read_by": [{"do": "find", "pattern": "x", "otherwise": "y"}]}, "y", "12", 1),
        ({"read_by": [{"do": "find", "pattern": r"(a)|(b)"}, {"do": "upper"}]}, "B", "b a", 1),
        ({"read_by": [{"do": "strip"}, {"do": "lower"}]}, "b", " B ", 1),
    ],
)
def test_what_is_the_same(fields, target, said, wanted):
    assert right(Exact(**fields), target, said) == wanted


def test_a_step_that_finds_needs_a_pattern():
    with pytest.raises(ValidationError, match="has a `pattern`"):
        Exact(read_by=[{"do": "find"}])
    with pytest.raises(ValidationError, match="has a `pattern`"):
        Exact(read_by=[{"do": "strip", "pattern": "x"}])


@pytest.mark.parametrize(
    "pattern", ["(a+)+b", "(a*)*", "((a|b)+c?)*d", "(?:x+y?)+z", "(?=(a+)+)b", "x" * 1001, "(", "*"]
)
def test_patterns_that_may_never_end_or_are_none(pattern):
    with pytest.raises(ValueError, match="pattern"):
        compiled(pattern)


@pytest.mark.parametrize(
    "pattern", [r"#### (\-?[0-9\.\,]+)", r"(-?[$0-9.,]{2,})|(-?[0-9]+)", "a{1,3}(b{2})+", r"(?s).*x"]
)
def test_patterns_that_end(pattern):
    assert compiled(pattern).pattern == pattern


def test_options_say_in_which_form_the_right_one_is_stated():
    row = {"options": ["2", "B", "A", "1"], "gold": "1"}
    with pytest.raises(InputError, match="could be several"):
        Choosing(options="options").target(row, "gold", {}, "here")
    for stated, wanted in (("number", "2"), ("text", "4")):
        assert Choosing(options="options", first=0, stated=stated).target(row, "gold", {}, "here") == wanted
    assert Choosing(options="options", stated="letter").target({**row, "gold": "b"}, "gold", {}, "here") == "2"


def test_verbatim_texts_keep_white_space_and_composition():
    row = {"gold": " Cafe\u0301 "}
    assert json.loads(Text(verbatim=True).target(row, "gold", {"a": "b"}, "here")) == [" Cafe\u0301 "]
    assert json.loads(Text().target(row, "gold", {"a": "b"}, "here")) == ["Café"]


POOL = [
    Example(f"train-{i}", {"text": f"{'abcdefghijklm'[i]} {i} {'nopqrstuvwxyz'[i] * 3}"}, "x") for i in range(1, 13)
]
ITEMS = [Example(f"test-{i}", {"text": f"item number {i}"}, "x") for i in range(1, 5)]


def ids(name, shots, items=ITEMS, **params):
    return [
        each.examples and [e.id for e in each.examples]
        for each in Selection(create(name, **params), POOL, shots, "as-is", 0).all(items)
    ]


def test_the_first_are_those_of_the_file():
    assert ids("first", 3)[0] == ["train-1", "train-2", "train-3"]


def test_a_draw_depends_on_the_place_in_the_file_alone():
    whole = ids("lm-eval", 3)
    assert ids("lm-eval", 3, ITEMS[2:3]) == whole[2:3]
    assert len({tuple(each) for each in whole}) > 1
    assert ids("lm-eval", 3, seed=1) != whole
    assert ids("lm-eval-spare", 3)[0] == whole[0]  # the same beginning, but one more is drawn
    assert ids("lm-eval-spare", 3)[1:] != whole[1:]
    with pytest.raises(InputError, match="does not end with its number"):
        ids("lm-eval", 2, [Example("a", {"text": "x"}, "x")])


YAML = """kind: classification
columns:
  text: "{{ parts | join('+') }}{{ '\\n' }}"
  label: "{{ ['no', 'yes'][n] }}"
inputs: [text]
target: label
labels: ["no", "yes"]
splits: {test: test.jsonl}
metrics: [accuracy]
main_metric: accuracy
"""


def task(tmp_path, rows, text=YAML):
    (tmp_path / "task.yaml").write_text(text)
    (tmp_path / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return definition.read("own", tmp_path)


def test_columns_are_computed_of_numbers_and_lists(tmp_path):
    found = task(tmp_path, [{"parts": ["a", "b"], "n": 1}, {"parts": [], "n": 0, "text": "its own"}]).examples("test")
    assert [each.inputs["text"] for each in found] == ["a+b\n", "\n"]
    assert [each.target for each in found] == ["yes", "no"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"parts": ["a"]}, "no element"),
        ({"parts": 3, "n": 1}, "not iterable"),
        ({"parts": ["a"], "n": 7}, "no element 7"),
    ],
)
def test_a_column_that_cannot_be_computed_says_where(row, said, tmp_path):
    with pytest.raises(InputError, match=r"line 1: column '\w+' cannot be computed") as caught:
        list(task(tmp_path, [row]).examples("test"))
    assert said in str(caught.value)


@pytest.mark.parametrize(
    "column", ["{{ x", "{% for %}", "{{ ''.__class__ }}", "{{ 'a' * 9999999 }}", "{{ x.format(1) }}"]
)
def test_a_column_of_a_stranger_is_a_sentence(column, tmp_path):
    text = YAML.replace("{{ parts | join('+') }}{{ '\\n' }}", column)
    with pytest.raises(InputError, match="column 'text'"):
        list(task(tmp_path, [{"parts": [], "n": 1, "x": "y"}], text).examples("test"))


def test_a_template_that_is_not_stripped_is_kept_to_the_byte(tmp_path):
    found = task(tmp_path, [{"parts": ["a"], "n": 1}])
    body = " {% for shot in shots %}\n{{ shot.text }}{% endfor %}\n{% if true %} {{ text }}\n{% endif %}\n\n"
    for strip, wanted in (("false", " \n a\n\n\n\n"), ("true", "a")):
        file = tmp_path / f"{strip}.j2"
        file.write_text(f"---\nstrip: {strip}\n---\n{body}")
        assert template.load(str(file), found).render(found.examples("test")[0]).content == wanted


def test_columns_of_a_hubs_rows_see_class_numbers_and_a_split_may_lie_beside(tmp_path, monkeypatch):
    class Data(list):
        features = {"n": SimpleNamespace(int2str=lambda number: ("first", "second")[number])}  # noqa: RUF012

    loaded = SimpleNamespace(load_dataset=lambda path, name, *, split, revision: Data([{"parts": ["a"], "n": 1}]))
    monkeypatch.setitem(sys.modules, "datasets", loaded)
    text = YAML.replace(
        "splits: {test: test.jsonl}", "hub: {path: some/where}\nsplits: {train: test.jsonl, test: judge}"
    )
    found = task(tmp_path, [{"parts": ["b"], "n": 0}], text)
    assert [(each.inputs["text"], each.target) for each in found.examples("test")] == [("a\n", "yes")]
    assert [(each.inputs["text"], each.target) for each in found.examples("train")] == [("b\n", "no")]
