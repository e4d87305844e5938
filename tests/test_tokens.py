"""Where a text stops, what of it is a thought, and when two texts read alike."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tokens import fold, opening, thoughts, until


@given(st.text())
def test_fold_is_idempotent(text):
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize(
    ("text", "stops", "kept"),
    [
        ("positive\nText:", ["\n"], "positive"),
        ("\npositive\nText:", ["\n"], "\npositive"),
        ("\n \n\tpositive\n", ["\n"], "\n \n\tpositive"),
        ("\n\n", ["\n"], None),
        ("", ["\n"], None),
        ("positive", [], None),
        ("positive; negative. x", [".", ";"], "positive"),
        ("### positive ### negative", ["###"], "### positive "),
        ("<think>\nup\n\ndown\n</think>\n\npositive\nx", ["\n"], "<think>\nup\n\ndown\n</think>\n\npositive"),
        ("<think>\nup\n\ndown", ["\n"], None),
        ("so it\nrises\n</think>\npositive\nx", ["\n"], "so it\nrises\n</think>\npositive"),
        ("positive <think>\nup\n</think>\nx", ["\n"], "positive <think>\nup\n</think>"),
        (
            "<think>a</think>\n<think>\nb</think>\n\npositive\n",
            ["\n"],
            "<think>a</think>\n<think>\nb</think>\n\npositive",
        ),
    ],
)
def test_no_stop_acts_before_there_is_an_answer_or_within_a_thought(text, stops, kept):
    assert until(text, stops) == ((text, False) if kept is None else (kept, True))


@given(st.text("a\n <>/think", max_size=30), st.lists(st.sampled_from(["\n", "a", "\n\n", "ti"]), max_size=3))
def test_what_is_kept_begins_the_text_and_says_something_where_it_was_cut(text, stops):
    kept, stopped = until(text, stops)
    assert text.startswith(kept)
    assert (kept == text) or stopped
    if stopped:
        assert any(text.startswith(stop, len(kept)) for stop in stops)
        assert kept.strip()


@pytest.mark.parametrize(
    ("prompt", "tag"),
    [
        ("Text: a\nLabel:", ""),
        ("assistant\n<think>\n", "<think>"),
        ("assistant\n<THINKING>", "<THINKING>"),
        ("assistant\n<think>\n\n</think>\n\n", ""),
        ("say <think> and go on", ""),
    ],
)
def test_a_prompt_opens_a_thought_where_it_ends_in_the_tag(prompt, tag):
    assert opening(prompt) == tag


def test_thoughts_are_found_with_their_tags():
    assert thoughts("no thought < here >") == []
    assert thoughts("a<think>b</think>c<reasoning>d") == [(1, 17), (18, 30)]
    assert thoughts("a</think>b") == [(0, 9)]
