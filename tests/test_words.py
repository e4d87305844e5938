"""Generated text to an answer: never a guess."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.kinds.words import lenient, strict
from harness.tokens import fold

WORDS = {"positive": "positive", "negative": "negative", "neutral": "neutral", "mixed": "not neutral"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("positive", "positive"),
        (" Positive.\n", "positive"),
        ('"NEGATIVE"', "negative"),
        ("ｎeutral", "neutral"),
        ("positive or negative", None),
        ("positively", None),
        ("", None),
    ],
)
def test_strict(text, expected):
    assert strict(text, WORDS) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is positive, I think", "positive"),
        ("positive or negative", None),
        ("positively", None),
        ("this is not neutral", "mixed"),
        ("not neutral, but negative", None),
        ("the news is 利好", None),
    ],
)
def test_lenient(text, expected):
    assert lenient(text, WORDS) == expected


def test_chinese_words_need_no_boundary():
    words = {"positive": "利好", "negative": "利空"}
    assert lenient("判断：利好。", words) == "positive"
    assert strict("利空。", words) == "negative"


@given(st.text(max_size=60))
def test_what_strict_accepts_lenient_accepts_alike(text):
    found = strict(text, WORDS)
    assert found is None or lenient(text, WORDS) == found


@given(st.text())
def test_fold_is_idempotent(text):
    assert fold(fold(text)) == fold(text)
