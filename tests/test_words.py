"""A model's free text read as a label: as a person would read it, and never a guess."""

import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.errors import InputError
from harness.kinds.words import apart, check, lenient, strict

FIRST, *LINES = (Path(__file__).parent / "replies.jsonl").read_text(encoding="utf-8").splitlines()
SETS = json.loads(FIRST)["sets"]
REPLIES = [json.loads(line) for line in LINES]
MISSED = 8  # replies that no rule as simple as these reads as a person does

WORDS = {"positive": "positive", "negative": "negative", "neutral": "neutral", "mixed": "not neutral"}


def read(reply):
    said, words = apart(reply["text"])[1], SETS[reply["words"]]
    return strict(said, words), lenient(said, words)


def test_replies_are_read_as_a_person_reads_them():
    wrong = [reply for reply in REPLIES if read(reply) != (reply["strict"], reply["lenient"])]
    assert [reply["text"] for reply in wrong] == [reply["text"] for reply in REPLIES if reply.get("missed")]


def test_the_replies_are_many_and_few_are_missed():
    assert len(REPLIES) >= 300
    assert len({(reply["text"], reply["words"]) for reply in REPLIES}) == len(REPLIES)
    assert sum(reply.get("missed", False) for reply in REPLIES) == MISSED <= 0.03 * len(REPLIES)
    assert all(reply["strict"] in (None, reply["lenient"]) for reply in REPLIES)


def test_what_is_missed_is_unparsed_rather_than_guessed():
    assert [read(reply) for reply in REPLIES if reply.get("missed")] == [(None, None)] * MISSED


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


MARKED = st.text(st.sampled_from("aAbß1ﬁ利É+#-.:*()[]{}<>\"'`$\\/ \n👍👎e\u0301ｅ："), min_size=1, max_size=6)
CHOSEN = st.sampled_from(["US", "us", "Us", "C", "C++", "c", "-1", "1", "10", "no", "A", '{"a": 1}', "Label: a", "<b>"])
SETS_OF_WORDS = st.lists(MARKED | CHOSEN | st.text(min_size=1, max_size=5), min_size=1, max_size=6)
SPACE = st.text(" \n\t\r\u3000\u00a0", max_size=3)


@given(SETS_OF_WORDS, SPACE, SPACE)
def test_a_reply_equal_to_an_answer_word_is_that_label_whatever_its_characters(said, before, after):
    words = {f"label {place}": word for place, word in enumerate(said)}
    try:
        check(words, "here")
    except InputError:
        assume(False)
    for label, word in words.items():
        for text in (word, before + word + after):
            assert strict(text, words) == label
            assert lenient(text, words) == label


@given(SETS_OF_WORDS, MARKED | CHOSEN | st.text(max_size=30))
def test_any_words_and_any_text_are_read_and_what_is_strict_is_lenient(said, text):
    words = {f"label {place}": word for place, word in enumerate(said)}
    found = strict(text, words)
    assert found is None or lenient(text, words) == found


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"a": "up", "b": "up"}, "here: the labels 'a' and 'b' share one verbalizer word, 'up'"),
        ({"a": "up", "b": " up\n"}, "labels 'a' and 'b'"),
        ({"a": "\u00e9", "b": "x", "c": "e\u0301"}, "labels 'a' and 'c'"),
        ({"a": "x", "b": " \n"}, "label 'b' is empty"),
        ({"a": ""}, "under `verbalizer`"),
    ],
)
def test_words_that_no_rule_can_tell_apart_are_refused(words, message):
    with pytest.raises(InputError, match=message):
        check(words, "here")


def test_words_that_only_their_characters_tell_apart_are_taken():
    for words in ({"a": "US", "b": "us"}, {"a": "ﬁt", "b": "fit"}, {"a": "C", "b": "C++"}, {"a": ".", "b": "..."}):
        check(words, "here")
        assert [strict(word, words) for word in words.values()] == list(words)


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("positive", "", "positive"),
        ("\n\n positive \n", "", "positive \n"),
        ("<think>It rose.</think>\n\npositive", "It rose.", "positive"),
        ("<THINK>\nIt rose.\n</THINK>positive", "It rose.", "positive"),
        ("<reasoning>It rose.</reasoning> positive", "It rose.", "positive"),
        ("<thinking>It rose.</think>positive", "It rose.", "positive"),
        ("It rose.\n</think>\npositive", "It rose.", "positive"),
        ("<think>It rose, so positive", "It rose, so positive", ""),
        ("<think>a</think>\n<think>b</think>\npositive", "a\nb", "positive"),
        ("positive\n<think>It rose.</think>", "It rose.", "positive\n"),
        ("<think></think>\n\npositive", "", "positive"),
        ("1 < 2 and <b>positive</b>", "", "1 < 2 and <b>positive</b>"),
    ],
)
def test_thoughts_are_set_apart(text, thought, answer):
    assert apart(text) == (thought, answer)


UNTAGGED = st.text("aé利 \n<>/.", max_size=40)


@given(UNTAGGED, UNTAGGED, st.sampled_from(["think", "thinking", "reasoning"]))
def test_what_is_said_is_never_lost(thought, answer, tag):
    assert apart(answer) == ("", answer.lstrip())
    assert apart(f"<{tag}>{thought}</{tag}>{answer}") == (thought.strip(), answer.lstrip())
    assert apart(f"{thought}</{tag}>{answer}") == (thought.strip(), answer.lstrip())
    assert apart(f"<{tag}>{thought}") == (thought.strip(), "")


@given(st.sampled_from(sorted(SETS)), st.data())
def test_fields_marks_and_quotes_change_no_reading(name, data):
    words = SETS[name]
    label = data.draw(st.sampled_from(sorted(words)))
    before = data.draw(st.sampled_from(["", "Label: ", "**", '"', "答案：", "Final answer: **", "- ", "```\n", "\n\n"]))
    after = {"**": "**", '"': '"', "Final answer: **": "**", "```\n": "\n```"}.get(before, "")
    end = data.draw(st.sampled_from(["", ".", "\n", "。"])) if before != "```\n" else ""
    assert strict(before + words[label] + end + after, words) == label


@pytest.mark.parametrize(
    "text", ["positive " * 2000, "不具有" * 20000, "is" + " " * 20000 + "positive", "*" * 50000, "```\n" * 20000 + "a"]
)
def test_endless_replies_are_read_in_no_time(text):
    """Each of these would take minutes, or for ever, if a rule looked at it again from every place."""
    assert lenient(text, {**WORDS, "上": "利好"}) in (None, "positive")


def test_characters_are_compared_in_the_form_that_tells_words_apart():
    words = {"thin": "ﬁt", "plain": "fit"}
    assert unicodedata.normalize("NFKC", words["thin"]) == words["plain"]
    assert lenient("It is ﬁt.", words) == "thin"
    assert lenient("It is fit.", words) == "plain"
    assert lenient("It is Fit.", words) is None
