"""YAML whose words stay as they are written."""

import itertools

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.task import asis

WORDS = ["yes", "no", "on", "off", "true", "False", "01", "1e3", "1_000", "0x1F", "2024-01-01", "12:30", "~", "null"]
WORDS += [".nan", "1.50", "NO"]


def test_words_are_text_as_written():
    assert asis.load(f"[{', '.join(WORDS)}]") == WORDS
    assert list(asis.load("".join(f"{word}: x\n" for word in WORDS))) == WORDS
    assert all(type(word) is str for word in asis.load("{yes: x}"))


@settings(max_examples=50)
@given(st.recursive(st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=10))
def test_what_yaml_writes_is_read_back(value):
    assert asis.load(yaml.safe_dump(value)) == value


def test_nothing_is_null_only_without_quotes():
    given = asis.load("a:\nb: ~\nc: null\nd: 'null'\ne: ''\nf: no\n")
    assert asis.nulls(given) == {"a": None, "b": None, "c": None, "d": "null", "e": "", "f": "no"}


def test_fields_that_take_anything_get_json_s_types():
    given = asis.load("{a: 1, b: '1', c: true, d: yes, e: null, f: [1.5, x, 01, NaN, -2e3], g: 2024-01-01}")
    assert asis.typed(asis.load("{a: {b: [false]}}")) == {"a": {"b": [False]}}
    assert asis.typed(given) == {
        "a": 1,
        "b": "1",
        "c": True,
        "d": "yes",
        "e": None,
        "f": [1.5, "x", "01", "NaN", -2000.0],
        "g": "2024-01-01",
    }


BOMB = "a: &a [x, x]\n" + "".join(
    f"{b}: &{b} [{', '.join(['*' + a] * 9)}]\n" for a, b in itertools.pairwise("abcdefghi")
)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (BOMB, "anchors and aliases"),
        ("a: *b", "anchors and aliases"),
        ("a: !!python/object:os.system x", "tags"),
        ("a: !!int 5", "tags"),
        ("a: 1\na: 2", "'a' stands twice"),
        ("? [a]\n: b", "a key must be a word"),
        ("[" * 3_000, "nested too deep"),
        ("a: [", "expected the node content"),
        ("a: \x07", "not allowed"),
        ("a: 1\n---\nb: 2", "another document"),
    ],
)
def test_what_no_definition_needs_is_refused(text, problem):
    with pytest.raises(yaml.YAMLError, match=problem):
        asis.load(text)


def test_an_empty_document_is_nothing():
    assert asis.load("# only a comment\n") is None
